// What the pages about identity providers show.
import type { PageView, ProviderView } from './views.ts';

/**
 * `GET /providers`. Forms:
 * - `POST /providers/link`: `csrf`, `provider`.
 * - `POST /providers/unlink`: `csrf`, `identity_id`.
 */
export interface ProvidersView {
  readonly page: PageView;
  /** Whose accounts they are. Empty: unknown. */
  readonly username: string;
  readonly identities: readonly IdentityView[];
  /** All that can be linked, including those that are. */
  readonly providers: readonly ProviderView[];
}

/** A linked account of a provider. */
export interface IdentityView {
  readonly identityId: string;
  readonly provider: ProviderView;
  /** A name at the provider. Empty: unknown. */
  readonly displayName: string;
  /** Undefined: unknown. */
  readonly linkedAt: Date | undefined;
  /** Undefined: never. */
  readonly lastUsedAt: Date | undefined;
}

/**
 * The answer to a form that begins a flow: the page sends the browser to the provider at once. It is a page and not a
 * redirect, because `form-action` of the content security policy also covers the redirects after a form.
 */
export interface ProviderRedirectView {
  readonly page: PageView;
  readonly provider: ProviderView;
  /** Where the provider signs people in. */
  readonly url: string;
}
