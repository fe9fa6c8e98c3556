import type { Clock } from '../../validator/clock.ts';
import type { Undecided, Validator } from '../../validator/validator.ts';
import { type Requirements, rejected, type ValidationResult, type Verdict } from '../../validator/verdict.ts';
import { storeUnavailable } from '../failure.ts';
import type { RevocationFollower } from '../revocation/revocation-follower.ts';
import { passedDeadline } from '../session/rotation.ts';
import type { ReadOutcome, SessionStore } from '../session/session-store.ts';

export interface TokenValidationOptions {
  readonly validator: Validator;
  readonly store: Pick<SessionStore, 'read'>;
  readonly revocations: Pick<RevocationFollower, 'revision' | 'reach'>;
  readonly clock: Clock;
}

/**
 * How long a validation waits for the requested revision; milliseconds. It usually arrives within a few milliseconds.
 */
const REVISION_WAIT_MS = 500;

/**
 * The verdicts of the server. Uses the validator if the local copy suffices, otherwise the session record.
 * Fails with STORE_UNAVAILABLE if the record cannot be read, or the requested revision does not arrive in time.
 */
export class TokenValidation {
  readonly #options: TokenValidationOptions;

  constructor(options: TokenValidationOptions) {
    this.#options = options;
  }

  /** Returns synchronously for a cached token if the local copy is fresh enough. */
  validate(accessToken: string, requirements: Requirements): ValidationResult | Promise<ValidationResult> {
    const validated = this.#options.validator.validate(accessToken, requirements);
    if (!(validated instanceof Promise) && validated.verdict !== undefined) return validated;
    return this.#settle(validated, accessToken, requirements);
  }

  /** Checks signature and claims only. The session of an accepted token may have ended. */
  verify(accessToken: string): Promise<Verdict> {
    return this.#options.validator.verify(accessToken);
  }

  async #settle(
    validating: ValidationResult | Undecided | Promise<ValidationResult | Undecided>,
    accessToken: string,
    requirements: Requirements,
  ): Promise<ValidationResult> {
    let validated = await validating;
    if (validated.verdict === undefined && requirements.atLeastRevision !== undefined) {
      await this.#reach(requirements.atLeastRevision);
      validated = await this.#options.validator.validate(accessToken, requirements);
    }
    return validated.verdict === undefined ? this.#readRecord(validated) : validated;
  }

  async #reach(revision: string): Promise<void> {
    if (await this.#options.revocations.reach(revision, REVISION_WAIT_MS)) return;
    throw storeUnavailable('revocations', new Error(`revision ${revision} was not read in time`));
  }

  async #readRecord({ token, because }: Undecided): Promise<ValidationResult> {
    const { validator, store, revocations, clock } = this.#options;
    if (because === 'behind') {
      throw storeUnavailable('revocations', new Error('the log no longer has the requested revision'));
    }
    const asOf = clock.now();
    const { claims } = token;
    const found = await store.read(claims.userId, claims.sessionId, asOf);
    if (found.kind === 'live') validator.noteAlive(token, asOf);
    return { verdict: verdictOf(found, token.accepted, asOf), asOf, revision: revocations.revision };
  }
}

function verdictOf(found: ReadOutcome, accepted: Verdict, now: number): Verdict {
  switch (found.kind) {
    case 'live': {
      const passed = passedDeadline(found.session, now);
      return passed === undefined ? accepted : rejected('SESSION_ENDED', passed.reason);
    }
    case 'ended':
      return rejected('SESSION_ENDED', found.ended.reason);
    case 'missing':
      return rejected('SESSION_ENDED', 'UNSPECIFIED');
  }
}
