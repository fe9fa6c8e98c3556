import type { AccessTokenClaims } from '../validator/access-token.ts';
import type { Clock } from '../validator/clock.ts';
import { TokenVerifier } from '../validator/token-verifier.ts';
import { type Undecided, Validator } from '../validator/validator.ts';
import { type Accepted, type Demand, type Judgement, rejected } from '../validator/verdict.ts';
import { calledAs } from './caller-stack.ts';
import type { HeardRevocations } from './heard-revocations.ts';
import { identityOfClaims, validationOfVerdict } from './judged-validation.ts';
import type { SigningKeys, TokenTerms } from './signing-keys.ts';
import type { Identity, TokenValidator, ValidateDemand, Validation } from './validation.ts';

export interface LocalValidationOptions {
  readonly keys: SigningKeys;
  readonly heard: HeardRevocations;
  /** Asked where what is known here does not suffice. */
  readonly remote: TokenValidator;
  readonly clock: Clock;
  readonly maxStalenessMs: number;
  readonly audience: string | undefined;
  readonly tokenCacheSize: number;
  /** Notes work that `close` is to wait for. */
  readonly track: <T>(work: Promise<T>) => Promise<T>;
}

/**
 * Judges tokens in this process. What it cannot decide, the service is asked; where the service cannot be asked
 * either the validation fails. A yes is never given by revocations older than the bound.
 */
export class LocalValidation implements TokenValidator {
  readonly #options: LocalValidationOptions;
  readonly #verifier: TokenVerifier;
  readonly #clock: Clock;
  readonly #usual: Demand;
  /** One for each remembered token: a token that is used again costs no new one. */
  readonly #identities = new WeakMap<Accepted, Identity>();
  readonly #asked = new Map<string, Promise<Validation>>();
  #terms: TokenTerms | undefined;
  #validator: Validator | undefined;
  #asOf = new Date(0);

  constructor(options: LocalValidationOptions) {
    const { keys, heard, clock, audience, tokenCacheSize } = options;
    this.#options = options;
    this.#verifier = new TokenVerifier(keys.set, tokenCacheSize);
    this.#usual = { consistency: 'BOUNDED', ...(audience !== undefined && { audience }) };
    // A token that has expired by the service's clock stays so, also where this machine's clock is behind or is set
    // back: the revocations of such tokens are forgotten.
    this.#clock = {
      now: () => Math.max(clock.now(), heard.asOf),
      monotonic: () => clock.monotonic(),
    };
  }

  /** Whether tokens can be judged here just now. */
  get isReady(): boolean {
    const { keys, heard, maxStalenessMs } = this.#options;
    return keys.terms !== undefined && heard.ageMs <= maxStalenessMs;
  }

  /** A token that was seen before is judged at once: nothing is awaited and nothing is asked. */
  validate(token: string, demand?: ValidateDemand): Promise<Validation> {
    const validator = this.#current();
    if (validator === undefined) return this.#ask(token, demand);
    const wanted = demand === undefined ? this.#usual : this.#demandOf(demand);
    const judged = validator.judge(token, wanted);
    if (judged instanceof Promise) {
      return this.#options.track(this.#later(validator, judged, token, demand));
    }
    if (judged.verdict === undefined) {
      return this.#options.track(this.#settle(validator, judged, token, demand));
    }
    return Promise.resolve(this.#validation(judged));
  }

  /** Undefined: the keys are not known yet, or nothing of the revocations is. */
  #current(): Validator | undefined {
    const { keys, heard, maxStalenessMs } = this.#options;
    const { terms } = keys;
    if (terms === undefined || heard.asOf === 0) return undefined;
    if (terms !== this.#terms || this.#validator === undefined) {
      this.#terms = terms;
      this.#validator = new Validator({
        verifier: this.#verifier,
        revocations: heard,
        clock: this.#clock,
        maxStalenessMs,
        ...terms,
      });
    }
    return this.#validator;
  }

  #demandOf({ consistency, audience, atLeastRevision }: ValidateDemand): Demand {
    return {
      ...this.#usual,
      ...(consistency === 'strong' && { consistency: 'STRONG' }),
      ...(audience !== undefined && audience !== '' && { audience }),
      ...(atLeastRevision !== undefined && atLeastRevision !== '' && { atLeastRevision }),
    };
  }

  async #later(
    validator: Validator,
    judging: Promise<Judgement | Undecided>,
    token: string,
    demand: ValidateDemand | undefined,
  ): Promise<Validation> {
    let judged: Judgement | Undecided;
    try {
      judged = await judging;
    } catch {
      // The keys could not be fetched: the service itself may know the one that is missing here.
      return this.#ask(token, demand);
    }
    return this.#settle(validator, judged, token, demand);
  }

  async #settle(
    validator: Validator,
    judged: Judgement | Undecided,
    token: string,
    demand: ValidateDemand | undefined,
  ): Promise<Validation> {
    if (judged.verdict !== undefined) {
      const { verdict } = judged;
      const isKeyUnknown = verdict.kind === 'rejected' && verdict.reason === 'UNKNOWN_KEY';
      // Nobody could be asked whether the key is published by now: that is no verdict.
      if (isKeyUnknown && this.#options.keys.set.isOutdated) return this.#ask(token, demand);
      return this.#validation(judged);
    }
    const validation = await this.#ask(token, demand);
    if (validation.kind === 'rejected') return validation;
    if (judged.because === 'not-covered') validator.noteAlive(judged.token, validation.asOf.getTime());
    return this.#endedMeanwhile(judged.token.claims) ?? validation;
  }

  /** An ending may have been heard while the answer, which did not know of it, was under way. */
  #endedMeanwhile({ userId, sessionId, sessionCreatedAt }: AccessTokenClaims): Validation | undefined {
    const { heard } = this.#options;
    const endReason = heard.endReasonOf(userId, sessionId, sessionCreatedAt);
    if (endReason === undefined) return undefined;
    const { asOf, revision } = heard;
    return this.#validation({ verdict: rejected('SESSION_ENDED', endReason), asOf, revision });
  }

  /**
   * Callers who ask about the same token in the same turn of the event loop share an answer, and nobody joins later:
   * what is under way may have been answered already, before an ending that the late one must hear of. Nobody shares
   * a STRONG one: the record is to be read after the call began.
   */
  #ask(token: string, demand: ValidateDemand = {}): Promise<Validation> {
    return calledAs('Validate', this.#answer(token, demand));
  }

  #answer(token: string, demand: ValidateDemand): Promise<Validation> {
    const { remote } = this.#options;
    const { consistency, audience = '', atLeastRevision = '' } = demand;
    if (consistency === 'strong') return remote.validate(token, demand);
    const question = JSON.stringify([audience, atLeastRevision, token]);
    const asked = this.#asked.get(question);
    if (asked !== undefined) return asked;
    const answer = remote.validate(token, demand);
    this.#asked.set(question, answer);
    setImmediate(() => this.#asked.delete(question));
    return answer;
  }

  #validation({ verdict, asOf, revision = '' }: Judgement): Validation {
    if (asOf !== this.#asOf.getTime()) this.#asOf = new Date(asOf);
    const known = { asOf: this.#asOf, revision };
    return validationOfVerdict(verdict, known, (accepted) => this.#identityOf(accepted));
  }

  #identityOf(accepted: Accepted): Identity {
    const known = this.#identities.get(accepted);
    if (known !== undefined) return known;
    const identity = identityOfClaims(accepted.claims);
    this.#identities.set(accepted, identity);
    return identity;
  }
}
