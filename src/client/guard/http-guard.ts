import type { Access } from './access.ts';
import { ActiveCalls } from './active-calls.ts';
import {
  admit,
  type GuardClient,
  type GuardOptions,
  type Refusal,
  revalidationOptions,
  withLimitedReports,
} from './admission.ts';
import { bindIdentity } from './identity-of.ts';

/** The part of a `node:http` or `node:http2` request that the guard uses. */
export interface RawRequest {
  /** Header names at even positions, each followed by its value. */
  readonly rawHeaders: readonly string[];
}

/** The part of a `node:http` or `node:http2` response that the guard uses. */
export interface RawResponse {
  readonly headersSent: boolean;
  readonly closed?: boolean;
  once(event: 'close' | 'finish', listener: () => void): unknown;
  destroy(): unknown;
}

/** The common part of `expressGuard` and `fastifyGuard`. */
export class HttpGuard {
  readonly #client: GuardClient;
  readonly #options: GuardOptions;
  readonly #revalidation: GuardOptions;
  readonly #activeCalls: ActiveCalls;
  readonly #tracked = new WeakSet<RawResponse>();

  constructor(client: GuardClient, options: GuardOptions) {
    this.#client = client;
    this.#options = withLimitedReports(options);
    this.#revalidation = revalidationOptions(this.#options);
    this.#activeCalls = new ActiveCalls(client);
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
    // The same guard may be registered twice on one route. Only its first call tracks the response.
    if (response.closed === true || this.#tracked.has(response)) return undefined;
    this.#tracked.add(response);
    const release = this.#activeCalls.add({
      identity,
      validateAgain: () => admit(this.#client, authorization, access, this.#revalidation),
      // A response without headers has disclosed nothing, so its handler may finish. If it then stays open, the next
      // sweep closes it.
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
