import type { AccessTokenClaims } from '../../validator/access-token.ts';
import type { Clock } from '../../validator/clock.ts';
import { TokenVerifier } from '../../validator/token-verifier.ts';
import { type Undecided, Validator } from '../../validator/validator.ts';
import {
  type Accepted,
  rejected,
  type ValidationResult,
  type Requirements as ValidatorRequirements,
} from '../../validator/verdict.ts';
import { calledAs } from '../transport/caller-stack.ts';
import type { Identity, Requirements, TokenValidator, Validation } from '../transport/validation.ts';
import type { LocalCopy } from './local-copy.ts';
import type { SigningKeys, TokenTerms } from './signing-keys.ts';
import { identityOfClaims, validationOfVerdict } from './validation-results.ts';

export interface LocalValidationOptions {
  readonly keys: SigningKeys;
  readonly copy: LocalCopy;
  /** Validates tokens that the local copy cannot decide. */
  readonly remote: TokenValidator;
  readonly clock: Clock;
  readonly maxStalenessMs: number;
  readonly audience: string | undefined;
  readonly tokenCacheSize: number;
  /** Registers work that `close` must wait for. */
  readonly track: <T>(work: Promise<T>) => Promise<T>;
}

/**
 * Validates tokens in this process, and calls the service if the local copy cannot decide. If that call fails too, the
 * validation fails. A copy older than the bound never accepts a token.
 */
export class LocalValidation implements TokenValidator {
  readonly #options: LocalValidationOptions;
  readonly #verifier: TokenVerifier;
  readonly #clock: Clock;
  readonly #default: ValidatorRequirements;
  /** One identity for each cached token, so that repeated use allocates none. */
  readonly #identities = new WeakMap<Accepted, Identity>();
  readonly #asked = new Map<string, Promise<Validation>>();
  #terms: TokenTerms | undefined;
  #validator: Validator | undefined;
  #asOf = new Date(0);

  constructor(options: LocalValidationOptions) {
    const { keys, copy, clock, audience, tokenCacheSize } = options;
    this.#options = options;
    this.#verifier = new TokenVerifier(keys.set, tokenCacheSize);
    this.#default = { consistency: 'BOUNDED', ...(audience !== undefined && { audience }) };
    // A token that has expired by the service's clock must stay expired, even if the local clock is set back: the copy
    // has already dropped its revocation.
    this.#clock = {
      now: () => Math.max(clock.now(), copy.asOf),
      monotonic: () => clock.monotonic(),
    };
  }

  /** Whether this process can validate tokens now. */
  get isReady(): boolean {
    const { keys, copy, maxStalenessMs } = this.#options;
    return keys.terms !== undefined && copy.ageMs <= maxStalenessMs;
  }

  /** A cached token is validated synchronously, without a call. */
  validate(token: string, requirements?: Requirements): Promise<Validation> {
    const validator = this.#current();
    if (validator === undefined) return this.#ask(token, requirements);
    const wanted = requirements === undefined ? this.#default : this.#requirementsOf(requirements);
    const validated = validator.validate(token, wanted);
    if (validated instanceof Promise) {
      return this.#options.track(this.#later(validator, validated, token, requirements));
    }
    if (validated.verdict === undefined) {
      return this.#options.track(this.#settle(validator, validated, token, requirements));
    }
    return Promise.resolve(this.#validation(validated));
  }

  /** Undefined: there are no keys yet, or no freshness for the copy. */
  #current(): Validator | undefined {
    const { keys, copy, maxStalenessMs } = this.#options;
    const { terms } = keys;
    if (terms === undefined || copy.asOf === 0) return undefined;
    if (terms !== this.#terms || this.#validator === undefined) {
      this.#terms = terms;
      this.#validator = new Validator({
        verifier: this.#verifier,
        revocations: copy,
        clock: this.#clock,
        maxStalenessMs,
        ...terms,
      });
    }
    return this.#validator;
  }

  #requirementsOf({ consistency, audience, atLeastRevision }: Requirements): ValidatorRequirements {
    return {
      ...this.#default,
      ...(consistency === 'strong' && { consistency: 'STRONG' }),
      ...(audience !== undefined && audience !== '' && { audience }),
      ...(atLeastRevision !== undefined && atLeastRevision !== '' && { atLeastRevision }),
    };
  }

  async #later(
    validator: Validator,
    validating: Promise<ValidationResult | Undecided>,
    token: string,
    requirements: Requirements | undefined,
  ): Promise<Validation> {
    let validated: ValidationResult | Undecided;
    try {
      validated = await validating;
    } catch {
      // The keys could not be fetched. The service may know the key that is missing here.
      return this.#ask(token, requirements);
    }
    return this.#settle(validator, validated, token, requirements);
  }

  async #settle(
    validator: Validator,
    validated: ValidationResult | Undecided,
    token: string,
    requirements: Requirements | undefined,
  ): Promise<Validation> {
    if (validated.verdict !== undefined) {
      const { verdict } = validated;
      const isKeyUnknown = verdict.kind === 'rejected' && verdict.reason === 'UNKNOWN_KEY';
      // The keys are outdated and the key may be published by now, so this is no verdict.
      if (isKeyUnknown && this.#options.keys.set.isOutdated) return this.#ask(token, requirements);
      return this.#validation(validated);
    }
    const validation = await this.#ask(token, requirements);
    if (validation.kind === 'rejected') return validation;
    if (validated.because === 'not-covered') validator.noteAlive(validated.token, validation.asOf.getTime());
    return this.#endedMeanwhile(validated.token.claims) ?? validation;
  }

  /** The copy may have received an end while the answer, which lacks it, was on its way. */
  #endedMeanwhile({ userId, sessionId, sessionCreatedAt }: AccessTokenClaims): Validation | undefined {
    const { copy } = this.#options;
    const endReason = copy.endReasonOf(userId, sessionId, sessionCreatedAt);
    if (endReason === undefined) return undefined;
    const { asOf, revision } = copy;
    return this.#validation({ verdict: rejected('SESSION_ENDED', endReason), asOf, revision });
  }

  #ask(token: string, requirements: Requirements = {}): Promise<Validation> {
    return calledAs('Validate', this.#answer(token, requirements));
  }

  /**
   * Calls for the same token in one turn of the event loop share a request. A later call must not join: the answer may
   * be older than an end that it must include. STRONG calls never share: the record is read after the call began.
   */
  #answer(token: string, requirements: Requirements): Promise<Validation> {
    const { remote } = this.#options;
    const { consistency, audience = '', atLeastRevision = '' } = requirements;
    if (consistency === 'strong') return remote.validate(token, requirements);
    const question = JSON.stringify([audience, atLeastRevision, token]);
    const asked = this.#asked.get(question);
    if (asked !== undefined) return asked;
    const answer = remote.validate(token, requirements);
    this.#asked.set(question, answer);
    setImmediate(() => this.#asked.delete(question));
    return answer;
  }

  #validation({ verdict, asOf, revision = '' }: ValidationResult): Validation {
    if (asOf !== this.#asOf.getTime()) this.#asOf = new Date(asOf);
    const known = { asOf: this.#asOf, revision };
    return validationOfVerdict(verdict, known, (accepted) => this.#sharedIdentity(accepted));
  }

  /** Made once for each token. */
  #sharedIdentity(accepted: Accepted): Identity {
    const known = this.#identities.get(accepted);
    if (known !== undefined) return known;
    const identity = identityOfClaims(accepted.claims);
    this.#identities.set(accepted, identity);
    return identity;
  }
}
