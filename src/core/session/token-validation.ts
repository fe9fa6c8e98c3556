import type { Clock } from '../../validator/clock.ts';
import type { Undecided, Validator } from '../../validator/validator.ts';
import { type Demand, type Judgement, rejected, type Verdict } from '../../validator/verdict.ts';
import { storeUnavailable } from '../failure.ts';
import type { RevocationFeed } from '../revocation/revocation-feed.ts';
import { passedDeadline } from './rotation.ts';
import type { ReadOutcome, SessionStore } from './session-store.ts';

export interface TokenValidationOptions {
  readonly validator: Validator;
  readonly store: Pick<SessionStore, 'read'>;
  readonly revocations: Pick<RevocationFeed, 'revision' | 'reach'>;
  readonly clock: Clock;
}

/** How long a verdict waits for the requested revision; usually it arrives within a few milliseconds. */
const REVISION_WAIT_MS = 500;

/**
 * The server's verdicts: the validator's own where it can give one, the session record's where it cannot. If
 * the record cannot be read either, or the requested revision is not read in time, it fails with STORE_UNAVAILABLE.
 */
export class TokenValidation {
  readonly #options: TokenValidationOptions;

  constructor(options: TokenValidationOptions) {
    this.#options = options;
  }

  /** Answers at once, without a promise, for a token that was seen before and is within every bound. */
  judge(accessToken: string, demand: Demand): Judgement | Promise<Judgement> {
    const judged = this.#options.validator.judge(accessToken, demand);
    if (!(judged instanceof Promise) && judged.verdict !== undefined) return judged;
    return this.#settle(judged, accessToken, demand);
  }

  async #settle(
    judging: Judgement | Undecided | Promise<Judgement | Undecided>,
    accessToken: string,
    demand: Demand,
  ): Promise<Judgement> {
    let judged = await judging;
    if (judged.verdict === undefined && demand.atLeastRevision !== undefined) {
      await this.#reach(demand.atLeastRevision);
      judged = await this.#options.validator.judge(accessToken, demand);
    }
    return judged.verdict === undefined ? this.#askTheRecord(judged) : judged;
  }

  async #reach(revision: string): Promise<void> {
    if (await this.#options.revocations.reach(revision, REVISION_WAIT_MS)) return;
    throw storeUnavailable('revocations', new Error(`revision ${revision} was not read in time`));
  }

  async #askTheRecord({ token, because }: Undecided): Promise<Judgement> {
    const { validator, store, revocations, clock } = this.#options;
    if (because === 'behind') {
      throw storeUnavailable('revocations', new Error('the log went back to before the requested revision'));
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
      return passed === undefined ? accepted : rejected('SESSION_ENDED', passed);
    }
    case 'ended':
      return rejected('SESSION_ENDED', found.ended.reason);
    case 'missing':
      return rejected('SESSION_ENDED', 'UNSPECIFIED');
  }
}
