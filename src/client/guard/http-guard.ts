import type { Access } from './access.ts';
import { ActiveCalls } from './active-calls.ts';
import {
  admit,
  type GuardClient,
  type GuardOptions,
  onceASecond,
  type Refusal,
  whileUnderWay,
} from './admission.ts';
import { bindIdentity } from './identity-of.ts';

/** The part of a `node:http` or `node:http2` request that the guard uses. */
export interface RawRequest {
  /** Names and values in turn, as received. */
  readonly rawHeaders: readonly string[];
}

/** The part of a `node:http` or `node:http2` response that the guard uses. */
export interface RawResponse {
  readonly headersSent: boolean;
  readonly closed?: boolean;
  once(event: 'close' | 'finish', listener: () => void): unknown;
  destroy(): unknown;
}

/** The shared part of the HTTP guards. */
export class HttpGuard {
  readonly #client: GuardClient;
  readonly #options: GuardOptions;
  readonly #held: ActiveCalls;
  readonly #known = new WeakSet<RawResponse>();

  constructor(client: GuardClient, options: GuardOptions) {
    this.#client = client;
    this.#options = onceASecond(options);
    this.#held = new ActiveCalls(client);
  }

  /**
   * Returns undefined if the request is admitted. Its identity is then bound to `carrier`, and its response is closed
   * when the session ends. Never fails.
   *
   * @param carrier the request object that handlers receive.
   */
  async refusalOf(
    request: RawRequest,
    response: RawResponse,
    carrier: object,
    access: Access,
  ): Promise<Refusal | undefined> {
    const authorization = authorizationOf(request.rawHeaders);
    const admission = await admit(this.#client, authorization, access, this.#options);
    if (admission.kind !== 'admitted') return admission;
    const { identity } = admission;
    if (identity === undefined) return undefined;
    bindIdentity(carrier, identity);
    // Two guards on one route see the same response. Only the first one holds it.
    if (response.closed === true || this.#known.has(response)) return undefined;
    this.#known.add(response);
    const again = whileUnderWay(this.#options);
    const release = this.#held.hold({
      identity,
      validateAgain: () => admit(this.#client, authorization, access, again),
      // Before the headers are sent, nothing is disclosed and the handler may finish. If the response turns out to be
      // long, the next sweep ends it.
      end: () => {
        if (response.headersSent) response.destroy();
      },
    });
    response.once('close', release);
    response.once('finish', release);
    return undefined;
  }
}

/** Reads raw headers: Node keeps only the first of several `authorization` headers. */
function authorizationOf(rawHeaders: readonly string[]): readonly string[] {
  return rawHeaders.filter(
    (_value, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === 'authorization',
  );
}
