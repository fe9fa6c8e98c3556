import type { Actor } from '../audit/security-event.ts';
import { type Providers, providerNamed } from '../sign-in/external-login.ts';
import type { Identities, NamedAccount } from '../sign-in/identities.ts';
import type { Identity, IdentityKey } from '../user/identity-directory.ts';

export interface IdentityAdministrationOptions {
  readonly identities: Pick<Identities, 'list' | 'link' | 'unlink'>;
  readonly providers: Providers;
}

/** As other acts of operators, these have no address in the trail. */
const NO_ORIGIN = { ipAddress: '', clientId: '' } as const;

/** What operators do to the identities of users. */
export class IdentityAdministration {
  readonly #options: IdentityAdministrationOptions;

  constructor(options: IdentityAdministrationOptions) {
    this.#options = options;
  }

  list(userId: string): Promise<readonly Identity[]> {
    return this.#options.identities.list(userId);
  }

  /** Fails with PROVIDER_NOT_FOUND, USER_NOT_FOUND and IDENTITY_TAKEN. */
  async link(userId: string, account: NamedAccount, actor: Actor): Promise<Identity> {
    const { identities, providers } = this.#options;
    providerNamed(providers, account.provider);
    return identities.link(userId, account, { actor, origin: NO_ORIGIN });
  }

  /** Also the last way in. Fails with IDENTITY_NOT_FOUND. */
  unlink(userId: string, key: IdentityKey, actor: Actor): Promise<void> {
    return this.#options.identities.unlink(userId, key, { actor, origin: NO_ORIGIN }, { keepOne: false });
  }
}
