// Started by ./oidc-provider.ts: oidc-provider with tokens and grants in Redis, as an authorization server runs it
// whose resource servers ask it at every request.
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Redis } from 'ioredis';
import type { Credential } from './arm.ts';
import type { OidcOrder, OidcStarted } from './oidc-provider.ts';
import { peerModule } from './peer-modules.ts';

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

process.env['NODE_ENV'] = 'production';
process.on('disconnect', () => process.exit(1));
process.once('message', (order: OidcOrder) => void serve(order));

async function serve({ redisUrl, clients, count }: OidcOrder): Promise<void> {
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
  process.send?.({ port, credentials } satisfies OidcStarted);
}

/** A policy that lets one client in. */
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

/** A model's records as JSON with a time to live: as much of an adapter as tokens and grants need. */
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
