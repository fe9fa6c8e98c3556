interface PageEnd {
  /** Empty: this page is the last one. */
  readonly nextPageToken: string;
}

/** Reads a list to its last page. */
export async function allPages<Page extends PageEnd, Item>(
  read: (pageToken: string) => Promise<Page>,
  itemsOf: (page: Page) => readonly Item[],
): Promise<readonly Item[]> {
  const all: Item[] = [];
  let pageToken = '';
  do {
    const page = await read(pageToken);
    all.push(...itemsOf(page));
    pageToken = page.nextPageToken;
  } while (pageToken !== '');
  return all;
}
