import { status } from '@grpc/grpc-js';
import { IdentityServiceService } from '../gen/latchkey/v1/identity.ts';
import { ValidationServiceService } from '../gen/latchkey/v1/validation.ts';
import type { Clock } from '../validator/clock.ts';
import type { Revocation as RevocationEntry } from '../validator/revocation-set.ts';
import { LocalCopy } from './local/local-copy.ts';
import { LocalValidation } from './local/local-validation.ts';
import { RevocationFollower } from './local/revocation-follower.ts';
import { SigningKeys } from './local/signing-keys.ts';
import { Backoff, pause } from './transport/backoff.ts';
import { calledAs } from './transport/caller-stack.ts';
import { type Caller, callsOf } from './transport/calls.ts';
import { closedError } from './transport/channels.ts';
import { LatchkeyError } from './transport/errors.ts';
import type { LatchkeyClient } from './transport/latchkey-client.ts';
import { type Revocation, revocationOf } from './transport/revocation.ts';
import type { Requirements, TokenValidator, Validation } from './transport/validation.ts';

/** The part of a client that validates tokens. */
export type ValidationMode = Pick<LatchkeyClient, 'validate' | 'onRevocation' | 'staleness' | 'close'> & {
  ready(timeoutMs: number): Promise<void>;
};

const READY_RETRY_MS = { first: 50, max: 500 };
/** Timeout of the call that finds out why there is no connection, in milliseconds. */
const DIAGNOSIS_TIMEOUT_MS = 100;
const NO_COPY = { asOf: undefined, ageMs: Number.POSITIVE_INFINITY };

/** The service validates every token. */
export class RemoteMode implements ValidationMode {
  readonly #caller: Caller;
  readonly #remote: TokenValidator;
  readonly staleness = NO_COPY;

  constructor(caller: Caller, remote: TokenValidator) {
    this.#caller = caller;
    this.#remote = remote;
  }

  validate(token: string, requirements?: Requirements): Promise<Validation> {
    return calledAs('Validate', this.#remote.validate(token, requirements));
  }

  /** Retries until the timeout: a service that is starting refuses connections. */
  async ready(timeoutMs: number): Promise<void> {
    const { channels, now } = this.#caller;
    const deadline = now() + timeoutMs;
    const backoff = new Backoff(READY_RETRY_MS);
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

  onRevocation(): never {
    const message = "a client in mode 'remote' receives no revocations. Use mode 'local', or validate again.";
    throw new LatchkeyError(status.FAILED_PRECONDITION, message, { method: 'onRevocation', isUnsent: true });
  }

  /** The connectivity state does not say why there is no connection. The error of a call does. */
  async #notConnected(error: LatchkeyError): Promise<LatchkeyError> {
    const { batchValidate } = callsOf(IdentityServiceService, this.#caller);
    const why = await batchValidate({}, { timeoutMs: DIAGNOSIS_TIMEOUT_MS }).catch(
      (caught: unknown) => caught,
    );
    if (!(why instanceof LatchkeyError)) return error;
    return new LatchkeyError(error.code, `No connection yet: ${why.details}`, { ...why, method: undefined });
  }

  async close(): Promise<void> {
    // This mode owns no resources.
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

/** This process validates tokens. It fetches keys and revocations from the first use on. */
export class LocalMode implements ValidationMode {
  readonly #keys: SigningKeys;
  readonly #copy: LocalCopy;
  readonly #follower: RevocationFollower;
  readonly #validation: LocalValidation;
  readonly #listeners = new Set<(revocation: Revocation) => void>();
  readonly #waiting = new Set<() => void>();
  #isStarted = false;
  #isClosed = false;

  constructor({ caller, ...options }: LocalModeOptions) {
    const { clock, maxStalenessMs } = options;
    this.#copy = new LocalCopy(clock);
    this.#keys = new SigningKeys({
      getSigningKeys: callsOf(ValidationServiceService, caller).getSigningKeys,
      clock,
      onFetched: () => this.#wake(),
    });
    this.#follower = new RevocationFollower({
      caller,
      clock,
      copy: this.#copy,
      maxStalenessMs,
      onMessage: (added) => this.#notify(added),
    });
    this.#validation = new LocalValidation({
      ...options,
      keys: this.#keys,
      copy: this.#copy,
      track: (work) => caller.channels.track(work),
    });
  }

  get staleness(): LatchkeyClient['staleness'] {
    const { asOf, ageMs } = this.#copy;
    return asOf === 0 ? NO_COPY : { asOf: new Date(asOf), ageMs };
  }

  validate(token: string, requirements?: Requirements): Promise<Validation> {
    if (!this.#isStarted) this.#start();
    return this.#validation.validate(token, requirements);
  }

  onRevocation(listener: (revocation: Revocation) => void): () => void {
    this.#start();
    // A new function for each call: the same listener may be added twice.
    const registered = (revocation: Revocation) => listener(revocation);
    this.#listeners.add(registered);
    return () => this.#listeners.delete(registered);
  }

  ready(timeoutMs: number): Promise<void> {
    this.#start();
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => settle(() => reject(this.#notReady())), timeoutMs);
      const check = () => {
        if (this.#isClosed) settle(() => reject(closedError()));
        else if (this.#validation.isReady) settle(resolve);
      };
      const settle = (how: () => void) => {
        clearTimeout(timer);
        this.#waiting.delete(check);
        how();
      };
      this.#waiting.add(check);
      check();
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#isStarted = true;
    this.#wake();
    this.#listeners.clear();
    await Promise.all([this.#keys.close(), this.#follower.close()]);
  }

  #start(): void {
    if (this.#isStarted) return;
    this.#isStarted = true;
    this.#keys.start();
    this.#follower.start();
  }

  #notify(added: readonly RevocationEntry[]): void {
    for (const entry of this.#listeners.size === 0 ? [] : added) {
      const revocation = revocationOf(entry);
      for (const listener of this.#listeners) {
        try {
          listener(revocation);
        } catch (error) {
          // The error must not stop the other listeners, and must not be lost.
          queueMicrotask(() => {
            throw error;
          });
        }
      }
    }
    this.#wake();
  }

  #wake(): void {
    for (const check of this.#waiting) check();
  }

  #notReady(): LatchkeyError {
    const fault = this.#keys.fault ?? this.#follower.fault;
    const why = fault instanceof Error ? `: ${fault.message}` : '.';
    const { code = status.DEADLINE_EXCEEDED, connectionFault } = fault instanceof LatchkeyError ? fault : {};
    return new LatchkeyError(
      code,
      `The client is not ready to validate tokens${why}`,
      { connectionFault },
      fault,
    );
  }
}
