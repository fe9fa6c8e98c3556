import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import Provider from 'oidc-provider';
import MemoryAdapter from 'oidc-provider/lib/adapters/memory_adapter.js';

/** Of another class: the library warns of its own. */
class QuietAdapter extends MemoryAdapter {}

/** In seconds. */
const TTL = 600;

/** A real OpenID provider on a port of its own. It signs in whom the test says, without asking. */
export class OidcServer {
  readonly clientId = 'latchkey';
  readonly clientSecret = `secret-${randomBytes(24).toString('base64url')}`;
  readonly redirectUri: string;
  readonly issuer: string;
  /** Who signs in next. Undefined: the person refuses. */
  account: string | undefined = 'ada';
  /** Further claims of everybody. */
  claims: Readonly<Record<string, unknown>> = {};
  /** How they were authenticated. */
  methods: readonly string[] = [];
  /** While true, requests get no answer. */
  hangs = false;
  /** The paths of all requests. */
  readonly requests: string[] = [];
  readonly #server: Server;

  private constructor(server: Server, redirectUri: string) {
    this.#server = server;
    this.redirectUri = redirectUri;
    this.issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const provider = this.#provider();
    const listener = provider.callback();
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      this.requests.push(request.url?.split('?')[0] ?? '');
      if (this.hangs) return;
      if (request.url?.startsWith('/interaction/')) void this.#interact(provider, request, response);
      else void listener(request, response);
    });
  }

  static async start(redirectUri: string): Promise<OidcServer> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new OidcServer(server, redirectUri);
  }

  /** Goes through the provider's pages as a browser would. Returns the query it is sent back with. */
  async visit(authorizationUrl: string): Promise<string> {
    const cookies = new Map<string, string>();
    let url = authorizationUrl;
    for (let step = 0; step < 10; step += 1) {
      const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
      const response = await fetch(url, { redirect: 'manual', headers: { cookie } });
      for (const set of response.headers.getSetCookie()) {
        const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(set) ?? [];
        cookies.set(name, value);
      }
      const location = response.headers.get('location');
      if (location === null) throw new Error(`${response.status} ${await response.text()}`);
      if (location.startsWith(this.redirectUri)) return new URL(location).search.slice(1);
      url = new URL(location, url).href;
    }
    throw new Error('too many redirects');
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #provider(): Provider {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    return new Provider(this.issuer, {
      adapter: QuietAdapter,
      ttl: {
        Interaction: TTL,
        Grant: TTL,
        Session: TTL,
        AccessToken: TTL,
        IdToken: TTL,
        AuthorizationCode: TTL,
      },
      clients: [
        { client_id: this.clientId, client_secret: this.clientSecret, redirect_uris: [this.redirectUri] },
      ],
      jwks: { keys: [privateKey.export({ format: 'jwk' })] },
      cookies: { keys: ['key of the cookies'] },
      conformIdTokenClaims: false,
      claims: { openid: ['sub', 'amr'], profile: ['name'], email: ['email', 'email_verified'] },
      scopes: ['openid', 'profile', 'email'],
      features: { devInteractions: { enabled: false } },
      interactions: { url: (_: unknown, { uid }: { uid: string }) => `/interaction/${uid}` },
      findAccount: (_: unknown, sub: string) => ({
        accountId: sub,
        claims: () => ({ sub, ...this.claims }),
      }),
    });
  }

  async #interact(provider: Provider, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { params } = await provider.interactionDetails(request, response);
    const accountId = this.account;
    if (accountId === undefined) {
      await provider.interactionFinished(request, response, { error: 'access_denied' });
      return;
    }
    const grant = new provider.Grant({ accountId, clientId: params.client_id });
    grant.addOIDCScope('openid profile email');
    const login = { accountId, amr: this.methods };
    const consent = { grantId: await grant.save() };
    await provider.interactionFinished(request, response, { login, consent });
  }
}
