import type { MessageCode, NoticeCode } from './views.ts';

/** When to repeat a request, in seconds, if the service does not say. */
export const RETRY_SECONDS = 2;

/** More about a refusal, as an answer of the API has it. */
export interface RefusalDetails {
  /** The reason of the service, for example `INVALID_CREDENTIALS`. */
  readonly reason?: string | undefined;
  /** A message that a page with a form can show. */
  readonly notice?: NoticeCode | undefined;
  readonly retryAfterSeconds?: number | undefined;
  /** Further members of the problem. */
  readonly members?: Readonly<Record<string, unknown>> | undefined;
  readonly cause?: unknown;
}

/** A request that is refused: with a problem (RFC 9457) from the API, with a page otherwise. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly status: number;
  /** Which message the page shows. */
  readonly code: MessageCode;
  readonly reason: string | undefined;
  readonly notice: NoticeCode | undefined;
  readonly retryAfterSeconds: number | undefined;
  readonly members: Readonly<Record<string, unknown>>;

  /** @param detail a sentence for people, without secrets. */
  constructor(status: number, code: MessageCode, detail: string, more: RefusalDetails = {}) {
    super(detail, more.cause === undefined ? {} : { cause: more.cause });
    this.status = status;
    this.code = code;
    this.reason = more.reason;
    this.notice = more.notice;
    this.retryAfterSeconds = more.retryAfterSeconds;
    this.members = more.members ?? {};
  }
}

/** The service, or this program, cannot answer at present. */
export function unavailable(detail: string, cause?: unknown): Refusal {
  const more = { retryAfterSeconds: RETRY_SECONDS, notice: 'service-unavailable', cause } as const;
  return new Refusal(503, 'service-unavailable', detail, more);
}
