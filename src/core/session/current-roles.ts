import type { Demand, Judgement } from '../../validator/verdict.ts';
import { rejected } from '../../validator/verdict.ts';
import type { UserDirectory } from '../user/user-directory.ts';
import type { TokenValidation } from './token-validation.ts';

/**
 * Verdicts by what the user is now, not by what the token says of it: a token keeps the roles it was issued with
 * until it expires, and somebody whose role was taken must not use those minutes to take it back. Costs a read of
 * the user; for the few calls that are worth it. Fails with STORE_UNAVAILABLE if the user cannot be read.
 */
export class CurrentRoles {
  readonly #tokens: Pick<TokenValidation, 'judge'>;
  readonly #users: Pick<UserDirectory, 'findById'>;

  constructor(tokens: Pick<TokenValidation, 'judge'>, users: Pick<UserDirectory, 'findById'>) {
    this.#tokens = tokens;
    this.#users = users;
  }

  /** As TokenValidation judges, but an accepted token has the roles of now, and that of a user who is gone or disabled is rejected. */
  async judge(accessToken: string, demand: Demand): Promise<Judgement> {
    const judged = await this.#tokens.judge(accessToken, demand);
    const { verdict } = judged;
    if (verdict.kind === 'rejected') return judged;
    const { claims } = verdict;
    const user = await this.#users.findById(claims.userId);
    if (user === undefined) return { ...judged, verdict: rejected('SESSION_ENDED', 'USER_DELETED') };
    if (user.disabledAt !== undefined) {
      return { ...judged, verdict: rejected('SESSION_ENDED', 'USER_DISABLED') };
    }
    // An object of its own: the one that was judged is shared by every use of the token, with its encoding.
    const current = { ...claims, roles: user.roles };
    return { ...judged, verdict: { kind: 'accepted', claims: current, encodedIdentity: undefined } };
  }
}
