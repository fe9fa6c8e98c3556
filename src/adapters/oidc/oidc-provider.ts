import {
  allowInsecureRequests,
  authorizationCodeGrant,
  buildAuthorizationUrl,
  type Configuration,
  calculatePKCECodeChallenge,
  customFetch,
  discovery,
  enableNonRepudiationChecks,
} from 'openid-client';
import {
  type FlowProof,
  type IdentityProvider,
  type ProviderAccount,
  providerAccount,
  providerUnavailable,
} from '../../core/sign-in/identity-provider.ts';
import type { Clock } from '../../validator/clock.ts';
import { boundedFetch } from '../bounded-fetch.ts';
import { authenticationWith, failureOf } from './oauth-client.ts';

export interface OidcProviderOptions {
  /** The issuer identifier. Its metadata is read from `/.well-known/openid-configuration` below it. */
  readonly issuer: string;
  readonly clientId: string;
  /** Undefined: a public client. */
  readonly clientSecret: string | undefined;
  /** Registered at the provider. */
  readonly redirectUri: string;
  /** Always with `openid`. */
  readonly scopes: readonly string[];
  /** Time limit of one request to the provider; milliseconds. */
  readonly timeoutMs: number;
  readonly clock: Pick<Clock, 'monotonic'>;
}

/** Metadata is read again after this, because endpoints can move; milliseconds. */
const METADATA_AGE_MS = 3_600_000;

interface Discovered {
  readonly configuration: Configuration;
  /** By the monotonic clock; milliseconds. */
  readonly at: number;
}

/** An OpenID provider: authorization code with PKCE, state and nonce. The ID token's signature is always checked. */
export class OidcProvider implements IdentityProvider {
  readonly #options: OidcProviderOptions;
  #discovered: Discovered | undefined;
  #discovering: Promise<Discovered> | undefined;

  constructor(options: OidcProviderOptions) {
    this.#options = options;
  }

  async authorizationUrl({ state, nonce, codeVerifier }: FlowProof): Promise<string> {
    const { redirectUri, scopes } = this.#options;
    try {
      const url = buildAuthorizationUrl(await this.#configuration(), {
        redirect_uri: redirectUri,
        scope: scopes.join(' '),
        state,
        nonce,
        code_challenge: await calculatePKCECodeChallenge(codeVerifier),
        code_challenge_method: 'S256',
      });
      return url.href;
    } catch (error) {
      throw providerUnavailable(error);
    }
  }

  async identify(answer: URLSearchParams, proof: FlowProof): Promise<ProviderAccount> {
    const currentUrl = new URL(this.#options.redirectUri);
    currentUrl.search = answer.toString();
    try {
      const tokens = await authorizationCodeGrant(await this.#configuration(), currentUrl, {
        expectedState: proof.state,
        expectedNonce: proof.nonce,
        pkceCodeVerifier: proof.codeVerifier,
        idTokenExpected: true,
      });
      const claims = tokens.claims();
      return providerAccount({
        subject: claims?.sub,
        displayName: claims?.['name'] ?? claims?.['preferred_username'],
        methods: claims?.['amr'],
      });
    } catch (error) {
      throw failureOf(error);
    }
  }

  /** Read at the first use, so that an unreachable provider does not stop the start. Concurrent calls share it. */
  async #configuration(): Promise<Configuration> {
    const { clock } = this.#options;
    const known = this.#discovered;
    if (known !== undefined && clock.monotonic() - known.at < METADATA_AGE_MS) return known.configuration;
    this.#discovering ??= this.#discover().finally(() => {
      this.#discovering = undefined;
    });
    return (await this.#discovering).configuration;
  }

  async #discover(): Promise<Discovered> {
    const { issuer, clientId, clientSecret, timeoutMs, clock } = this.#options;
    const server = new URL(issuer);
    const configuration = await discovery(server, clientId, {}, authenticationWith(clientSecret), {
      timeout: timeoutMs / 1_000,
      [customFetch]: (url, options) => boundedFetch(url, options as RequestInit),
      // The configuration accepts http on loopback only.
      execute: [enableNonRepudiationChecks, ...(server.protocol === 'http:' ? [allowInsecureRequests] : [])],
    });
    this.#discovered = { configuration, at: clock.monotonic() };
    return this.#discovered;
  }
}
