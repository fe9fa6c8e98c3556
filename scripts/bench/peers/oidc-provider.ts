import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { Agent, createServer, type RequestListener, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import type { Redis } from 'ioredis';
import type { Arm, ArmSetup, Credential } from './caller.ts';
import { peerModule } from './peer-modules.ts';

export interface OidcStarted {
  readonly port: number;
  readonly credentials: readonly Credential[];
  /** `api` introspects tokens, `app` signs users in and out. Each has its own secret. */
  readonly clients: Readonly<Record<'api' | 'app', OidcClient>>;
}
export interface OidcClient {
  readonly id: string;
  readonly secret: string;
}
interface Grant {
  addOIDCScope(scope: string): void;
  save(): Promise<string>;
}
interface Provider {
  readonly Client: { find(id: string): Promise<object> };
  readonly Grant: new (of: object) => Grant;
  readonly AccessToken: new (of: object) => { save(): Promise<string> };
  callback(): RequestListener;
}
type ProviderClass = new (issuer: string, configuration: object) => Provider;

/** Starts oidc-provider with tokens and grants in Redis, and creates access tokens for introspection. */
export async function startOidcProvider(redisUrl: string, count: number): Promise<OidcStarted> {
  const newClient = (id: string): OidcClient => ({ id, secret: randomBytes(24).toString('base64url') });
  const clients = { api: newClient('api'), app: newClient('app') };
  const { default: Provider } = await peerModule<{ default: ProviderClass }>('oidc-provider');
  const ioredis = await peerModule<{ Redis: typeof Redis }>('ioredis');
  const redis = new ioredis.Redis(redisUrl, { enableAutoPipelining: true });
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const provider = new Provider(`http://127.0.0.1:${port}`, {
    adapter: (model: string) => adapterOf(redis, model),
    clients: [
      {
        client_id: clients.api.id,
        client_secret: clients.api.secret,
        grant_types: [],
        response_types: [],
        redirect_uris: [],
      },
      {
        client_id: clients.app.id,
        client_secret: clients.app.secret,
        redirect_uris: ['https://app.example/back'],
      },
    ],
    jwks: {
      keys: [generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' })],
    },
    ttl: { AccessToken: 900, Grant: 1_209_600 },
    features: {
      introspection: { enabled: true, allowedPolicy: isClient(clients.api.id) },
      revocation: { enabled: true, allowedPolicy: isClient(clients.app.id) },
      devInteractions: { enabled: false },
    },
  });
  server.on('request', provider.callback());
  const credentials = await Promise.all(
    Array.from({ length: count }, (_, index) => signIn(provider, clients.app.id, `user-${index}`)),
  );
  return { port, credentials, clients };
}

/** A policy that admits one client. */
function isClient(id: string) {
  return async (_: unknown, client: { readonly clientId: string }): Promise<boolean> =>
    client.clientId === id;
}

async function signIn(provider: Provider, clientId: string, userId: string): Promise<Credential> {
  const client = await provider.Client.find(clientId);
  const grant = new provider.Grant({ accountId: userId, clientId });
  grant.addOIDCScope('openid');
  const grantId = await grant.save();
  const token = new provider.AccessToken({
    client,
    accountId: userId,
    grantId,
    gty: 'authorization_code',
    scope: 'openid',
    expiresIn: 900,
  });
  return { text: await token.save(), userId };
}

/** Stores a model as JSON with a TTL: the parts of an adapter that tokens and grants need. */
function adapterOf(redis: Redis, model: string): object {
  const keyOf = (id: string): string => `peer:${model}:${id}`;
  return {
    upsert: async (id: string, payload: object, expiresIn?: number) => {
      const record = JSON.stringify(payload);
      if (expiresIn === undefined) await redis.set(keyOf(id), record);
      else await redis.set(keyOf(id), record, 'EX', expiresIn);
    },
    find: async (id: string) => {
      const record = await redis.get(keyOf(id));
      return record === null ? undefined : (JSON.parse(record) as object);
    },
    destroy: async (id: string) => {
      await redis.del(keyOf(id));
    },
    revokeByGrantId: async () => undefined,
  };
}

/**
 * Token introspection (RFC 7662) by an authenticated client over keep-alive connections. A logout is a token revocation
 * (RFC 7009).
 */
export async function oidcIntrospection({ oidcProvider }: ArmSetup): Promise<Arm> {
  const { port, credentials, clients } = oidcProvider;
  const agent = new Agent({ keepAlive: true });
  const post = (path: string, client: OidcClient, token: string): Promise<string> => {
    const body = `token=${token}&token_type_hint=access_token`;
    const headers = {
      authorization: `Basic ${Buffer.from(`${client.id}:${client.secret}`).toString('base64')}`,
      'content-type': 'application/x-www-form-urlencoded',
      'content-length': body.length,
    };
    return new Promise((resolve, reject) => {
      request({ host: '127.0.0.1', port, path, method: 'POST', agent, headers }, (response) => {
        text(response).then((answer) => {
          if (response.statusCode === 200) resolve(answer);
          else reject(new Error(`oidc-provider answered ${response.statusCode}: ${answer}`));
        }, reject);
      })
        .on('error', reject)
        .end(body);
    });
  };
  return {
    credentials,
    validate: async (token) => {
      const answer = await post('/token/introspection', clients.api, token);
      const { active, sub } = JSON.parse(answer) as { active: boolean; sub?: string };
      return active ? sub : undefined;
    },
    logout: async (token) => void (await post('/token/revocation', clients.app, token)),
  };
}
