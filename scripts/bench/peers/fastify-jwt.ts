import { generateKeyPairSync, randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import type { Arm, ArmSetup } from './caller.ts';
import { peerModule } from './peer-modules.ts';

interface Claims {
  readonly sub: string;
  readonly sid: string;
}
interface Fastify {
  readonly jwt: { sign(claims: Claims): string; verify(token: string): Claims };
  register(plugin: unknown, options: object): unknown;
  ready(): Promise<unknown>;
}

/**
 * @fastify/jwt with the algorithm of latchkey and its token cache on, and a GET of the session through ioredis. ioredis
 * sends the commands of one tick together. Measures `app.jwt.verify` and the GET, without a request.
 */
export async function fastifyJwt({ redisUrl, count }: ArmSetup): Promise<Arm> {
  const app = await openApp();
  const ioredis = await peerModule<{ Redis: typeof Redis }>('ioredis');
  const redis = new ioredis.Redis(redisUrl, { enableAutoPipelining: true });
  const keyOf = ({ sid }: Claims): string => `peer:session:${sid}`;
  const claims = newClaims(count);
  await Promise.all(claims.map((each) => redis.set(keyOf(each), each.sub, 'EX', 900)));
  return {
    credentials: claims.map((each) => ({ text: app.jwt.sign(each), userId: each.sub })),
    validate: async (token) => (await redis.get(keyOf(app.jwt.verify(token)))) ?? undefined,
    logout: async (token) => void (await redis.del(keyOf(app.jwt.verify(token)))),
  };
}

/** The same without the GET: there is no logout. */
export async function fastifyJwtAlone({ count }: ArmSetup): Promise<Arm> {
  const app = await openApp();
  return {
    credentials: newClaims(count).map((each) => ({ text: app.jwt.sign(each), userId: each.sub })),
    validate: async (token) => app.jwt.verify(token).sub,
  };
}

async function openApp(): Promise<Fastify> {
  const { default: fastify } = await peerModule<{ default: () => Fastify }>('fastify');
  const { default: plugin } = await peerModule<{ default: unknown }>('@fastify/jwt');
  const { publicKey, privateKey } = generateKeyPairSync('ed25519', {
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  const app = fastify();
  app.register(plugin, {
    secret: { private: privateKey, public: publicKey },
    sign: { algorithm: 'EdDSA', expiresIn: '15m' },
    verify: { algorithms: ['EdDSA'], cache: true },
  });
  await app.ready();
  return app;
}

function newClaims(count: number): readonly Claims[] {
  return Array.from({ length: count }, (_, index) => ({ sub: `user-${index}`, sid: randomUUID() }));
}
