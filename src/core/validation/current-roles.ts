import type { Requirements, ValidationResult } from '../../validator/verdict.ts';
import { rejected } from '../../validator/verdict.ts';
import type { UserDirectory } from '../user/user-directory.ts';
import type { TokenValidation } from './token-validation.ts';

/**
 * Validates tokens with the user's current roles. A token keeps the roles it was issued with until it expires. Without
 * this check, a removed admin could use that time to restore the role.
 * Each call reads the user, so it is for the few calls that need it. Fails with STORE_UNAVAILABLE if the user cannot be
 * read.
 */
export class CurrentRoles {
  readonly #tokens: Pick<TokenValidation, 'validate'>;
  readonly #users: Pick<UserDirectory, 'findById'>;

  constructor(tokens: Pick<TokenValidation, 'validate'>, users: Pick<UserDirectory, 'findById'>) {
    this.#tokens = tokens;
    this.#users = users;
  }

  /**
   * Like `TokenValidation.validate`, but an accepted token has the current roles. Rejects the token of a deleted or
   * disabled user.
   */
  async validate(accessToken: string, requirements: Requirements): Promise<ValidationResult> {
    const validated = await this.#tokens.validate(accessToken, requirements);
    const { verdict } = validated;
    if (verdict.kind === 'rejected') return validated;
    const { claims } = verdict;
    const user = await this.#users.findById(claims.userId);
    if (user === undefined) return { ...validated, verdict: rejected('SESSION_ENDED', 'USER_DELETED') };
    if (user.disabledAt !== undefined) {
      return { ...validated, verdict: rejected('SESSION_ENDED', 'USER_DISABLED') };
    }
    // A new object: every use of the token shares the validated one and its encoding.
    const current = { ...claims, roles: user.roles };
    return { ...validated, verdict: { kind: 'accepted', claims: current, encodedIdentity: undefined } };
  }
}
