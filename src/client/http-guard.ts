import type { Access } from './access.ts';
import {
  admit,
  type GuardClient,
  type GuardOptions,
  onceASecond,
  type Refusal,
  whileUnderWay,
} from './admission.ts';
import { HeldCalls } from './held-calls.ts';
import { bindIdentity } from './identity-of.ts';

/** What is used of a request of `node:http` or `node:http2`. */
export interface RawRequest {
  /** Names and values in turn, as they came. */
  readonly rawHeaders: readonly string[];
}

/** What is used of a response of `node:http` or `node:http2`. */
export interface RawResponse {
  readonly headersSent: boolean;
  readonly closed?: boolean;
  once(event: 'close' | 'finish', listener: () => void): unknown;
  destroy(): unknown;
}

/** What the guards of the HTTP frameworks share. */
export class HttpGuard {
  readonly #client: GuardClient;
  readonly #options: GuardOptions;
  readonly #held: HeldCalls;
  readonly #known = new WeakSet<RawResponse>();

  constructor(client: GuardClient, options: GuardOptions) {
    this.#client = client;
    this.#options = onceASecond(options);
    this.#held = new HeldCalls(client);
  }

  /**
   * Undefined: the request is admitted, `carrier` carries its identity, and its response is cut off when the
   * session ends. Never fails.
   *
   * @param carrier what a handler gets to see as the request.
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
    // Two guards on one way see the same response: one of them holds it.
    if (response.closed === true || this.#known.has(response)) return undefined;
    this.#known.add(response);
    const again = whileUnderWay(this.#options);
    const release = this.#held.hold({
      identity,
      judgeAgain: () => admit(this.#client, authorization, access, again),
      // Before there is an answer nothing has been told: its handler may finish, and a response that turns out to
      // be a long one is found at the next sweep.
      end: () => {
        if (response.headersSent) response.destroy();
      },
    });
    response.once('close', release);
    response.once('finish', release);
    return undefined;
  }
}

/** Every value: Node itself keeps the first of several `authorization` headers and drops the rest. */
function authorizationOf(rawHeaders: readonly string[]): readonly string[] {
  return rawHeaders.filter(
    (_value, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === 'authorization',
  );
}
