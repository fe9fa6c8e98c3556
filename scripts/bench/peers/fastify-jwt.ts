import { generateKeyPairSync, randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import type { Arm, ArmSetup, Credential } from './arm.ts';
import { peerModule } from './peer-modules.ts';

interface Claims {
  readonly sub: string;
  readonly sid: string;
}
interface Fastify {
  readonly jwt: { sign(claims: Claims): string; verify(token: string): Claims };
  register(plugin: unknown, options: object): unknown;
  ready(): Promise<unknown>;
  close(): Promise<unknown>;
}

/**
 * @fastify/jwt with the same algorithm as latchkey, its cache of verified tokens on, and a GET of the session
 * through ioredis, whose commands of one tick travel together. Timed are `app.jwt.verify` and the GET: no request
 * is injected.
 */
export async function fastifyJwt(setup: ArmSetup): Promise<Arm> {
  const app = await openApp();
  const ioredis = await peerModule<{ Redis: typeof Redis }>('ioredis');
  const redis = new ioredis.Redis(setup.redisUrl, { enableAutoPipelining: true });
  const keyOf = ({ sid }: Claims): string => `peer:session:${sid}`;
  const signIn = async (_: unknown, index: number): Promise<Credential> => {
    const claims = newClaims(index);
    await redis.set(keyOf(claims), claims.sub, 'EX', 900);
    return { text: app.jwt.sign(claims), userId: claims.sub };
  };
  return {
    credentials: await Promise.all(Array.from({ length: setup.count }, signIn)),
    validate: async (token) => (await redis.get(keyOf(app.jwt.verify(token)))) ?? undefined,
    logout: async (token) => {
      await redis.del(keyOf(app.jwt.verify(token)));
    },
    close: async () => {
      redis.disconnect();
      await app.close();
    },
  };
}

/** The same without the look-up: nobody is ever logged out. */
export async function fastifyJwtAlone({ count }: ArmSetup): Promise<Arm> {
  const app = await openApp();
  return {
    credentials: Array.from({ length: count }, (_, index) => {
      const claims = newClaims(index);
      return { text: app.jwt.sign(claims), userId: claims.sub };
    }),
    validate: async (token) => app.jwt.verify(token).sub,
    close: async () => {
      await app.close();
    },
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

function newClaims(index: number): Claims {
  return { sub: `user-${index}`, sid: randomUUID() };
}
