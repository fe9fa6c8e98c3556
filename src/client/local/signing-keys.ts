import { status } from '@grpc/grpc-js';
import type { GetSigningKeysResponse, ValidationServiceService } from '../../gen/latchkey/v1/validation.ts';
import type { Clock } from '../../validator/clock.ts';
import { KeySet, type KeySetOptions } from '../../validator/key-set.ts';
import { BackgroundLoop } from '../transport/background-loop.ts';
import { Backoff, pause } from '../transport/backoff.ts';
import type { CallsOf } from '../transport/calls.ts';
import { millisecondsOf } from '../transport/durations.ts';
import { LatchkeyError } from '../transport/errors.ts';

/** The service's rules for its tokens, published with the keys. */
export interface TokenTerms {
  readonly issuer: string;
  readonly audiences: readonly string[];
  readonly maxTokenLifeMs: number;
}

export interface SigningKeysOptions {
  readonly getSigningKeys: CallsOf<typeof ValidationServiceService>['getSigningKeys'];
  readonly clock: Clock;
  /** Called after each fetch of the keys. */
  readonly onFetched: () => void;
}

type PublishedKeys = Awaited<ReturnType<KeySetOptions['fetch']>>;

const RETRY_MS = { first: 100, max: 2_000 };
/** Minimum time between fetches for unknown key ids, in milliseconds. */
const MIN_REFETCH_INTERVAL_MS = 1_000;
/** Bounds of the service's `max_age`, in milliseconds: no busy loop, and no keys kept forever. */
const MAX_AGE_MS = { min: 1_000, default: 60_000, max: 3_600_000 };

/**
 * The service's signing keys, fetched again at their maximum age. If the service is unreachable, the known keys stay in
 * use: revocation does not depend on keys.
 */
export class SigningKeys {
  readonly set: KeySet;
  readonly #options: SigningKeysOptions;
  readonly #loop = new BackgroundLoop((signal) => this.#refresh(signal), new Backoff(RETRY_MS));
  #terms: TokenTerms | undefined;
  #maxAgeMs = MAX_AGE_MS.default;

  constructor(options: SigningKeysOptions) {
    this.#options = options;
    this.set = new KeySet({
      fetch: () => this.#fetch(),
      clock: options.clock,
      minRefetchIntervalMs: MIN_REFETCH_INTERVAL_MS,
    });
  }

  /** The same object until the next fetch. Undefined: not fetched yet. */
  get terms(): TokenTerms | undefined {
    return this.#terms;
  }

  /** Why the last fetch failed. Undefined: it succeeded. */
  get fault(): unknown {
    return this.#loop.fault;
  }

  start(): void {
    this.#loop.start();
  }

  close(): Promise<void> {
    return this.#loop.close();
  }

  async #refresh(signal: AbortSignal): Promise<void> {
    await this.set.refresh();
    this.#loop.succeeded();
    this.#options.onFetched();
    await pause(this.#maxAgeMs, signal);
  }

  async #fetch(): Promise<PublishedKeys> {
    const { signal } = this.#loop;
    const answer = await this.#options.getSigningKeys({}, { signal });
    const jwks = jwksOf(answer);
    const { issuer, audiences } = answer;
    this.#terms = { issuer, audiences, maxTokenLifeMs: millisecondsOf(answer.maxTokenLife) ?? 0 };
    const maxAgeMs = millisecondsOf(answer.maxAge) ?? MAX_AGE_MS.default;
    this.#maxAgeMs = Math.min(Math.max(maxAgeMs, MAX_AGE_MS.min), MAX_AGE_MS.max);
    return jwks;
  }
}

function jwksOf({ jwks }: GetSigningKeysResponse): PublishedKeys {
  try {
    const { keys } = JSON.parse(jwks) as { readonly keys?: unknown };
    if (Array.isArray(keys)) return keys as PublishedKeys;
  } catch (error) {
    throw new LatchkeyError(status.INTERNAL, 'The signing keys are not a JWK Set.', {}, error);
  }
  throw new LatchkeyError(status.INTERNAL, 'The signing keys are not a JWK Set.');
}
