import { status } from '@grpc/grpc-js';
import { IdentityServiceService } from '../gen/latchkey/v1/identity.ts';
import { ValidationServiceService } from '../gen/latchkey/v1/validation.ts';
import type { Clock } from '../validator/clock.ts';
import type { Revocation } from '../validator/revocation-set.ts';
import { Backoff, pause } from './backoff.ts';
import { calledAs } from './caller-stack.ts';
import { type Caller, callsOf } from './calls.ts';
import { closedError } from './channels.ts';
import { LatchkeyError } from './errors.ts';
import { HeardRevocations } from './heard-revocations.ts';
import type { LatchkeyClient } from './latchkey-client.ts';
import { LocalValidation } from './local-validation.ts';
import { RevocationWatch } from './revocation-watch.ts';
import { SigningKeys } from './signing-keys.ts';
import type { TokenValidator, ValidateDemand, Validation } from './validation.ts';

/** The half of a client that has to do with tokens. */
export type ValidationMode = Pick<LatchkeyClient, 'validate' | 'onEnding' | 'staleness' | 'close'> & {
  ready(timeoutMs: number): Promise<void>;
};

const READY_RETRY_MS = { first: 50, most: 500 };
/** How long to wait for the reason why there is no connection; milliseconds. */
const WHY_MS = 100;
const NOTHING_KNOWN = { asOf: undefined, ageMs: Number.POSITIVE_INFINITY };

/** The service judges every token. */
export class RemoteMode implements ValidationMode {
  readonly #caller: Caller;
  readonly #remote: TokenValidator;
  readonly staleness = NOTHING_KNOWN;

  constructor(caller: Caller, remote: TokenValidator) {
    this.#caller = caller;
    this.#remote = remote;
  }

  validate(token: string, demand?: ValidateDemand): Promise<Validation> {
    return calledAs('Validate', this.#remote.validate(token, demand));
  }

  /** A service that is just starting refuses connections: that is tried again until the time is up. */
  async ready(timeoutMs: number): Promise<void> {
    const { channels, now } = this.#caller;
    const deadline = now() + timeoutMs;
    const backoff = new Backoff(READY_RETRY_MS.first, READY_RETRY_MS.most);
    for (let waitedMs = 0; ; ) {
      try {
        await channels.connected(deadline);
        return;
      } catch (error) {
        const waitMs = backoff.next();
        waitedMs += waitMs;
        if (channels.isRefusing || !(error instanceof LatchkeyError)) throw error;
        if (waitedMs >= timeoutMs || now() >= deadline) throw await this.#notConnected(error);
        await pause(waitMs, undefined);
      }
    }
  }

  onEnding(): never {
    const message =
      "a client in mode 'remote' does not hear of endings. Connect with mode 'local', or validate again.";
    throw new LatchkeyError(status.FAILED_PRECONDITION, message, { method: 'onEnding', isUnsent: true });
  }

  /** The state of a connection does not say why there is none; a call does. */
  async #notConnected(error: LatchkeyError): Promise<LatchkeyError> {
    const { batchValidate } = callsOf(IdentityServiceService, this.#caller);
    const why = await batchValidate({}, { timeoutMs: WHY_MS }).catch((caught: unknown) => caught);
    if (!(why instanceof LatchkeyError)) return error;
    return new LatchkeyError(error.code, `No connection yet: ${why.details}`, { ...why, method: undefined });
  }

  async close(): Promise<void> {
    // Holds nothing of its own.
  }
}

export interface LocalModeOptions {
  readonly caller: Caller;
  readonly remote: TokenValidator;
  readonly clock: Clock;
  readonly maxStalenessMs: number;
  readonly audience: string | undefined;
  readonly tokenCacheSize: number;
}

/** This process judges tokens; keys and revocations are fetched from the first need on. */
export class LocalMode implements ValidationMode {
  readonly #keys: SigningKeys;
  readonly #heard: HeardRevocations;
  readonly #watch: RevocationWatch;
  readonly #validation: LocalValidation;
  readonly #listeners = new Set<(revocation: Revocation) => void>();
  readonly #waiting = new Set<() => void>();
  #isStarted = false;
  #isClosed = false;

  constructor({ caller, ...options }: LocalModeOptions) {
    const { clock, maxStalenessMs } = options;
    this.#heard = new HeardRevocations(clock);
    this.#keys = new SigningKeys({
      getSigningKeys: callsOf(ValidationServiceService, caller).getSigningKeys,
      clock,
      onFetched: () => this.#wake(),
    });
    this.#watch = new RevocationWatch({
      caller,
      clock,
      heard: this.#heard,
      maxStalenessMs,
      onMessage: (fresh) => this.#tell(fresh),
    });
    this.#validation = new LocalValidation({
      ...options,
      keys: this.#keys,
      heard: this.#heard,
      track: (work) => caller.channels.track(work),
    });
  }

  get staleness(): LatchkeyClient['staleness'] {
    const { asOf, ageMs } = this.#heard;
    return asOf === 0 ? NOTHING_KNOWN : { asOf: new Date(asOf), ageMs };
  }

  validate(token: string, demand?: ValidateDemand): Promise<Validation> {
    if (!this.#isStarted) this.#start();
    return this.#validation.validate(token, demand);
  }

  onEnding(listener: (revocation: Revocation) => void): () => void {
    this.#start();
    // Its own function for each call: two listeners may be the same function.
    const told = (revocation: Revocation) => listener(revocation);
    this.#listeners.add(told);
    return () => this.#listeners.delete(told);
  }

  ready(timeoutMs: number): Promise<void> {
    this.#start();
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => settle(() => reject(this.#notReady())), timeoutMs);
      const look = () => {
        if (this.#isClosed) settle(() => reject(closedError()));
        else if (this.#validation.isReady) settle(resolve);
      };
      const settle = (how: () => void) => {
        clearTimeout(timer);
        this.#waiting.delete(look);
        how();
      };
      this.#waiting.add(look);
      look();
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#isStarted = true;
    this.#wake();
    this.#listeners.clear();
    await Promise.all([this.#keys.close(), this.#watch.close()]);
  }

  #start(): void {
    if (this.#isStarted) return;
    this.#isStarted = true;
    this.#keys.start();
    this.#watch.start();
  }

  #tell(fresh: readonly Revocation[]): void {
    for (const revocation of fresh) {
      for (const listener of this.#listeners) {
        try {
          listener(revocation);
        } catch (error) {
          // The listener's fault is nobody's business here, but is not to be lost either.
          queueMicrotask(() => {
            throw error;
          });
        }
      }
    }
    this.#wake();
  }

  #wake(): void {
    for (const look of this.#waiting) look();
  }

  #notReady(): LatchkeyError {
    const fault = this.#keys.fault ?? this.#watch.fault;
    const why = fault instanceof Error ? `: ${fault.message}` : '.';
    const { code = status.DEADLINE_EXCEEDED, connectionFault } = fault instanceof LatchkeyError ? fault : {};
    return new LatchkeyError(code, `Tokens cannot be judged here yet${why}`, { connectionFault }, fault);
  }
}
