import type { Clock } from '../../validator/clock.ts';
import type { Undecided, Validator } from '../../validator/validator.ts';
import { type Demand, type Judgement, rejected, type Verdict } from '../../validator/verdict.ts';
import { passedDeadline } from './rotation.ts';
import type { ReadOutcome, SessionStore } from './session-store.ts';

export interface TokenValidationOptions {
  readonly validator: Validator;
  readonly store: Pick<SessionStore, 'read'>;
  readonly revision: () => string | undefined;
  readonly clock: Clock;
  /** Told of every verdict: `accepted`, or the reason of the rejection. */
  readonly onVerdict?: (outcome: string) => void;
}

/**
 * The server's verdicts: the validator's own where it can give one, the session record's where it cannot. If
 * the record cannot be read either, the failure is STORE_UNAVAILABLE; a guess is never given.
 */
export class TokenValidation {
  readonly #options: TokenValidationOptions;

  constructor(options: TokenValidationOptions) {
    this.#options = options;
  }

  /** Answers at once, without a promise, for a token that was seen before and is within every bound. */
  judge(accessToken: string, demand: Demand): Judgement | Promise<Judgement> {
    const judged = this.#options.validator.judge(accessToken, demand);
    if (judged instanceof Promise) return judged.then((result) => this.#settle(result));
    return this.#settle(judged);
  }

  #settle(judged: Judgement | Undecided): Judgement | Promise<Judgement> {
    if (judged.verdict === undefined) {
      return this.#askTheRecord(judged).then((judgement) => this.#counted(judgement));
    }
    return this.#counted(judged);
  }

  #counted(judgement: Judgement): Judgement {
    const { verdict } = judgement;
    this.#options.onVerdict?.(verdict.kind === 'accepted' ? 'accepted' : verdict.reason);
    return judgement;
  }

  async #askTheRecord({ token }: Undecided): Promise<Judgement> {
    const { validator, store, clock } = this.#options;
    const asOf = clock.now();
    const { claims } = token;
    const found = await store.read(claims.userId, claims.sessionId, asOf);
    if (found.kind === 'live') validator.noteAlive(token, asOf);
    return { verdict: verdictOf(found, token.accepted, asOf), asOf, revision: this.#options.revision() };
  }
}

function verdictOf(found: ReadOutcome, accepted: Verdict, now: number): Verdict {
  switch (found.kind) {
    case 'live': {
      const passed = passedDeadline(found.session, now);
      return passed === undefined ? accepted : rejected('SESSION_ENDED', passed);
    }
    case 'ended':
      return rejected('SESSION_ENDED', found.ended.reason);
    case 'missing':
      return rejected('SESSION_ENDED', 'UNSPECIFIED');
  }
}
