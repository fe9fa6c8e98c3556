interface PageEnd {
  /** Empty: this page is the last one. */
  readonly nextPageToken: string;
}

/**
 * Reads a list to its last page, or until it has `limit` items.
 *
 * @param read reads one page. `room`: how many items are still wanted.
 */
export async function allPages<Page extends PageEnd, Item>(
  read: (pageToken: string, room: number) => Promise<Page>,
  itemsOf: (page: Page) => readonly Item[],
  limit = Number.POSITIVE_INFINITY,
): Promise<readonly Item[]> {
  const all: Item[] = [];
  let pageToken = '';
  do {
    const page = await read(pageToken, limit - all.length);
    all.push(...itemsOf(page));
    pageToken = page.nextPageToken;
  } while (pageToken !== '' && all.length < limit);
  return all;
}
