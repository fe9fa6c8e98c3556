import {
  allowInsecureRequests,
  authorizationCodeGrant,
  buildAuthorizationUrl,
  Configuration,
  calculatePKCECodeChallenge,
  customFetch,
  fetchProtectedResource,
} from 'openid-client';
import {
  type FlowProof,
  type IdentityProvider,
  type ProviderAccount,
  providerAccount,
  providerUnavailable,
} from '../../core/sign-in/identity-provider.ts';
import { boundedFetch } from '../bounded-fetch.ts';
import { authenticationWith, failureOf } from './oauth-client.ts';

export interface OAuthProviderOptions {
  /** What an answer may state as `iss` (RFC 9207). Default: the origin of the authorization endpoint. */
  readonly issuer?: string | undefined;
  readonly authorizationEndpoint: string;
  readonly tokenEndpoint: string;
  /** Where the account of an access token is read, as a JSON object. */
  readonly userEndpoint: string;
  /** The member of that object that identifies the account for ever. */
  readonly subjectField: string;
  readonly clientId: string;
  /** Undefined: a public client. */
  readonly clientSecret: string | undefined;
  /** Registered at the provider. */
  readonly redirectUri: string;
  /** Empty: the provider's default. */
  readonly scopes: readonly string[];
  /** Time limit of one request to the provider; milliseconds. */
  readonly timeoutMs: number;
}

/** A provider of plain OAuth 2: authorization code with PKCE and state. The user endpoint says who it is. */
export class OAuthProvider implements IdentityProvider {
  readonly #options: OAuthProviderOptions;
  readonly #configuration: Configuration;

  constructor(options: OAuthProviderOptions) {
    this.#options = options;
    const { authorizationEndpoint, tokenEndpoint, clientId, clientSecret, timeoutMs } = options;
    const { origin, protocol } = new URL(authorizationEndpoint);
    const { issuer = origin } = options;
    const server = {
      issuer,
      authorization_endpoint: authorizationEndpoint,
      token_endpoint: tokenEndpoint,
      // The method that most providers of plain OAuth 2 document.
      token_endpoint_auth_methods_supported: ['client_secret_post'],
    };
    this.#configuration = new Configuration(server, clientId, {}, authenticationWith(clientSecret));
    this.#configuration.timeout = timeoutMs / 1_000;
    this.#configuration[customFetch] = (url, options) => boundedFetch(url, options as RequestInit);
    // The configuration accepts http on loopback only.
    if (protocol === 'http:') allowInsecureRequests(this.#configuration);
  }

  async authorizationUrl({ state, codeVerifier }: FlowProof): Promise<string> {
    const { redirectUri, scopes } = this.#options;
    const url = buildAuthorizationUrl(this.#configuration, {
      redirect_uri: redirectUri,
      ...(scopes.length > 0 && { scope: scopes.join(' ') }),
      state,
      code_challenge: await calculatePKCECodeChallenge(codeVerifier),
      code_challenge_method: 'S256',
    });
    return url.href;
  }

  async identify(answer: URLSearchParams, { state, codeVerifier }: FlowProof): Promise<ProviderAccount> {
    const currentUrl = new URL(this.#options.redirectUri);
    currentUrl.search = answer.toString();
    try {
      const checks = { expectedState: state, pkceCodeVerifier: codeVerifier };
      const tokens = await authorizationCodeGrant(this.#configuration, currentUrl, checks);
      const user = await this.#userOf(tokens.access_token);
      const subject = user[this.#options.subjectField];
      return providerAccount({
        subject: Number.isSafeInteger(subject) ? String(subject) : subject,
        displayName: user['name'] ?? user['login'],
        methods: [],
      });
    } catch (error) {
      throw failureOf(error);
    }
  }

  async #userOf(accessToken: string): Promise<Readonly<Record<string, unknown>>> {
    const url = new URL(this.#options.userEndpoint);
    const headers = new Headers({ accept: 'application/json' });
    const response = await fetchProtectedResource(
      this.#configuration,
      accessToken,
      url,
      'GET',
      null,
      headers,
    );
    if (response.status !== 200) {
      throw providerUnavailable(new Error(`the user endpoint answered ${response.status}`));
    }
    const user: unknown = await response.json();
    return typeof user === 'object' && user !== null ? (user as Record<string, unknown>) : {};
  }
}
