import type { FieldFaults } from './field-faults.ts';

/** The fields of every request for a list. */
export interface PageFields {
  readonly pageSize: number;
  readonly pageToken: string;
}

const DEFAULT_PAGE_SIZE = 100;
const MAX_PAGE_SIZE = 1_000;
const MAX_TOKEN_BYTES = 128;

export function pageSizeOf({ pageSize }: PageFields): number {
  return pageSize === 0 ? DEFAULT_PAGE_SIZE : pageSize;
}

/** A page token is the id of the last thing of the page before, dressed so that nobody counts on what it is. */
export function pageTokenOf(lastId: string): string {
  return Buffer.from(lastId).toString('base64url');
}

/** The id that the next page begins after; undefined: the list begins at its beginning. */
export function afterOf({ pageToken }: PageFields): string | undefined {
  return pageToken === '' ? undefined : Buffer.from(pageToken, 'base64url').toString();
}

/** @param id the form of the ids that are listed. */
export function checkPage(request: PageFields, id: RegExp, faults: FieldFaults): void {
  const { pageSize, pageToken } = request;
  if (pageSize < 0 || pageSize > MAX_PAGE_SIZE) {
    faults.add('page_size', `must be 1 to ${MAX_PAGE_SIZE}, or 0 for ${DEFAULT_PAGE_SIZE}, not ${pageSize}`);
  }
  const after = pageToken.length > MAX_TOKEN_BYTES ? '' : afterOf(request);
  if (after !== undefined && !(id.test(after) && pageTokenOf(after) === pageToken)) {
    faults.add('page_token', 'must be a next_page_token as it was answered');
  }
}
