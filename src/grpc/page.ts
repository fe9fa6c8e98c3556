import type { FieldIssues } from '../core/field-issues.ts';

/** The fields of every list request. */
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

/** A page token is the last id of the previous page. It is encoded so that clients treat it as opaque. */
export function pageTokenOf(lastId: string): string {
  return Buffer.from(lastId).toString('base64url');
}

/** The id that the next page starts after. Undefined for the first page. */
export function afterOf({ pageToken }: PageFields): string | undefined {
  return pageToken === '' ? undefined : Buffer.from(pageToken, 'base64url').toString();
}

/** @param id matches the ids of the listed items. */
export function checkPage(request: PageFields, id: RegExp, issues: FieldIssues): void {
  const { pageSize, pageToken } = request;
  if (pageSize < 0 || pageSize > MAX_PAGE_SIZE) {
    issues.add('page_size', `must be 1 to ${MAX_PAGE_SIZE}, or 0 for ${DEFAULT_PAGE_SIZE}, not ${pageSize}`);
  }
  const after = pageToken.length > MAX_TOKEN_BYTES ? '' : afterOf(request);
  if (after !== undefined && !(id.test(after) && pageTokenOf(after) === pageToken)) {
    issues.add('page_token', 'must be a next_page_token from a previous response');
  }
}
