import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT, UnsecuredJWT } from 'jose';

type Key = Awaited<ReturnType<typeof generateKeyPair>>['privateKey'];

/** What an ID token says besides the honest claims, and how it is signed. */
export interface Forgery {
  readonly claims?: Readonly<Record<string, unknown>>;
  /** `stranger`: by a key that is not published. `none`: not at all. */
  readonly signature?: 'honest' | 'stranger' | 'none';
}

/** An OpenID provider that answers every code with the ID token that the test asks for. */
export class ForgingIssuer {
  readonly issuer: string;
  /** Of the next ID token. */
  nonce = '';
  forgery: Forgery = {};
  /** What its user endpoint answers. */
  user: object = {};
  readonly #server: Server;
  readonly #keys: { readonly honest: Key; readonly stranger: Key };

  private constructor(server: Server, keys: { readonly honest: Key; readonly stranger: Key }, jwk: object) {
    this.#server = server;
    this.#keys = keys;
    this.issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.on('request', (request, response) => {
      void this.#answer(request.url ?? '', jwk).then((answer) => {
        response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
      });
    });
  }

  static async start(): Promise<ForgingIssuer> {
    const [honest, stranger] = [await generateKeyPair('RS256'), await generateKeyPair('RS256')];
    const jwk = { ...(await exportJWK(honest.publicKey)), kid: 'key', alg: 'RS256', use: 'sig' };
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new ForgingIssuer(server, { honest: honest.privateKey, stranger: stranger.privateKey }, jwk);
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async #answer(path: string, jwk: object): Promise<object> {
    if (path === '/jwks') return { keys: [jwk] };
    if (path === '/user') return this.user;
    if (path === '/access_token') return { access_token: 'AT', token_type: 'bearer', scope: '' };
    if (path === '/token') {
      return { access_token: 'AT', token_type: 'Bearer', id_token: await this.#idToken() };
    }
    return {
      issuer: this.issuer,
      authorization_endpoint: `${this.issuer}/authorize`,
      token_endpoint: `${this.issuer}/token`,
      jwks_uri: `${this.issuer}/jwks`,
      response_types_supported: ['code'],
    };
  }

  async #idToken(): Promise<string> {
    const { claims = {}, signature = 'honest' } = this.forgery;
    const now = Math.floor(Date.now() / 1_000);
    const honest = {
      iss: this.issuer,
      aud: 'latchkey',
      sub: 'ada',
      nonce: this.nonce,
      iat: now,
      exp: now + 60,
    };
    const payload = { ...honest, ...claims };
    if (signature === 'none') return new UnsecuredJWT(payload).encode();
    return new SignJWT(payload).setProtectedHeader({ alg: 'RS256', kid: 'key' }).sign(this.#keys[signature]);
  }
}
