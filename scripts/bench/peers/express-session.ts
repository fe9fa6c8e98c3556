import { randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import type { Arm, ArmSetup, Credential } from './caller.ts';
import { peerModule } from './peer-modules.ts';

interface Session {
  userId?: string;
  save(done: (error?: unknown) => void): void;
  destroy(done: (error?: unknown) => void): void;
}
interface Request {
  readonly url: string;
  readonly originalUrl: string;
  readonly headers: { readonly cookie?: string };
  readonly socket: { readonly encrypted: boolean };
  readonly connection: { readonly encrypted: boolean };
  session?: Session;
  sessionID?: string;
}
type Middleware = (request: Request, response: object, next: (error?: unknown) => void) => void;
interface NodeRedis {
  connect(): Promise<unknown>;
}

const COOKIE = 'connect.sid';

/**
 * express-session with connect-redis, configured as in the README of connect-redis. Runs the middleware from the cookie
 * to `next`: it checks the signature, reads the session and parses it. Omits its work at the response (EXPIRE at every
 * request).
 */
export async function expressSession({ redisUrl, count }: ArmSetup): Promise<Arm> {
  const { default: session } = await peerModule<{ default: (options: object) => Middleware }>(
    'express-session',
  );
  const { RedisStore } = await peerModule<{ RedisStore: new (options: object) => object }>('connect-redis');
  const { createClient } = await peerModule<{ createClient: (options: object) => NodeRedis }>('redis');
  const { default: cookieSignature } = await peerModule<{
    default: { sign: (value: string, secret: string) => string };
  }>('cookie-signature');

  const client = createClient({ url: redisUrl });
  await client.connect();
  const secret = randomBytes(32).toString('base64url');
  const store = new RedisStore({ client, prefix: 'peer:' });
  const middleware = session({ store, secret, resave: false, saveUninitialized: false });

  const received = async (cookie: string | undefined): Promise<Request> => {
    const request = newRequest(cookie);
    await promisify(middleware)(request, newResponse());
    return request;
  };
  const signIn = async (_: unknown, index: number): Promise<Credential> => {
    const request = await received(undefined);
    const userId = `user-${index}`;
    if (request.session === undefined) throw new Error('express-session made no session');
    request.session.userId = userId;
    await promisify(request.session.save.bind(request.session))();
    const signed = cookieSignature.sign(request.sessionID ?? '', secret);
    return { text: `${COOKIE}=${encodeURIComponent(`s:${signed}`)}`, userId };
  };
  return {
    credentials: await Promise.all(Array.from({ length: count }, signIn)),
    validate: async (cookie) => (await received(cookie)).session?.userId,
    logout: async (cookie) => {
      const { session: found } = await received(cookie);
      if (found !== undefined) await promisify(found.destroy.bind(found))();
    },
  };
}

/** The parts of a request and a response that the middleware uses. */
function newRequest(cookie: string | undefined): Request {
  const connection = { encrypted: false };
  const headers = cookie === undefined ? {} : { cookie };
  return { url: '/', originalUrl: '/', headers, connection, socket: connection };
}

function newResponse(): object {
  const nothing = (): void => undefined;
  return { setHeader: nothing, getHeader: nothing, writeHead: nothing, write: nothing, end: nothing };
}
