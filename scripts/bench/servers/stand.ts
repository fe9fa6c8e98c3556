import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { IdentityServiceService } from '../../../src/gen/latchkey/v1/identity.ts';
import { LatchkeyProcess } from '../../../test/support/latchkey-process.ts';
import { RedisServer } from '../../../test/support/redis-server.ts';
import { GrpcConnection } from '../../http2/connection.ts';
import { grpcFrame } from '../../http2/frames.ts';
import { requireIdentity, validateFrame } from '../../http2/validate.ts';
import { startModule } from '../processes.ts';
import { createPeople, type Person } from './people.ts';

/** A process of the service. */
export interface ServiceProcess extends Pick<LatchkeyProcess, 'pid' | 'log' | 'stop'> {
  readonly port: number;
}

/** A new service with its own Redis, users and folder. */
export interface Stand {
  readonly folder: string;
  readonly redis: RedisServer;
  readonly masterKey: Buffer;
  readonly latchkey: Pick<ServiceProcess, 'port' | 'pid'>;
  readonly admin: Pick<Person, 'username' | 'password'>;
  readonly people: readonly Person[];
  /** Starts one more process of the same service. Stopped at the latest with the stand. */
  another(nodeOptions?: readonly string[]): Promise<ServiceProcess>;
  /** Starts an echo that returns this service's response for the token. Stopped with the stand. */
  echoOf(accessToken: string): Promise<{ readonly port: number; readonly answerBytes: number }>;
}

const root = path.resolve(import.meta.dirname, '../../..');
const MAIN = path.join(root, 'dist/main.js');
const PRODUCTION = {
  NODE_ENV: 'production',
  LATCHKEY_METRICS_LISTEN: 'off',
  LATCHKEY_DRAIN_DELAY: '0s',
  // Scenarios that measure logins set their own.
  LATCHKEY_BCRYPT_COST: '10',
  // LatchkeyProcess turns the cache on for the tests.
  NODE_DISABLE_COMPILE_CACHE: '1',
};
const packageJson = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as {
  readonly scripts: { readonly start: string };
};
/** Node's options in `npm start`. The echo gets the same. */
export const startOptions: readonly string[] = optionsOf(packageJson.scripts.start);

/** The options in a command line such as `node --one --two=2 main.js`. */
export function optionsOf(command: string): readonly string[] {
  return command.split(' ').filter((word) => word.startsWith('--'));
}

const stands = new Set<AsyncDisposableStack>();

/** Stops every process of every stand. */
export async function endStands(): Promise<void> {
  await Promise.all([...stands].map((stand) => stand.disposeAsync()));
}

/**
 * Starts the built service as `npm start` does, with production settings, on Redis and SQLite. Passes it to `use` and
 * always stops it. Only the bcrypt cost and `settings` are tuned for the bench.
 */
export async function withStand<Result>(
  use: (stand: Stand) => Promise<Result>,
  settings: Readonly<Record<string, string>> = {},
): Promise<Result> {
  await using opened = new AsyncDisposableStack();
  stands.add(opened);
  opened.defer(() => void stands.delete(opened));
  const folder = mkdtempSync(path.join(tmpdir(), 'latchkey-bench-'));
  opened.defer(() => rmSync(folder, { recursive: true, force: true }));
  // As docs/operations.md recommends.
  const redis = await startIn(opened, () => RedisServer.start('--hash-max-listpack-value', '256'));
  const masterKey = randomBytes(32);
  const admin = { username: 'bench-admin', password: randomBytes(18).toString('base64url') };
  const environment = {
    ...PRODUCTION,
    LATCHKEY_DATA_DIR: folder,
    LATCHKEY_REDIS_URL: redis.url,
    LATCHKEY_MASTER_KEY: masterKey.toString('base64url'),
    LATCHKEY_BOOTSTRAP_USERNAME: admin.username,
    LATCHKEY_BOOTSTRAP_PASSWORD: admin.password,
    ...settings,
  };
  const another: Stand['another'] = async (nodeOptions = []) => {
    const options = [...startOptions, ...nodeOptions];
    const server = await startIn(opened, () => LatchkeyProcess.start(environment, MAIN, options));
    const { pid, log } = server;
    return { port: Number(server.address.split(':').at(-1)), pid, log, stop: () => server.stop() };
  };
  const latchkey = await another();
  const people = await createPeople(latchkey.port, admin);
  const echoOf: Stand['echoOf'] = async (accessToken) => {
    const answer = await validate(latchkey.port, accessToken);
    const echo = startModule<typeof import('./echo.ts')>('servers/echo.ts', startOptions);
    opened.use(echo);
    const port = await echo.call('startEcho', answer);
    return { port, answerBytes: grpcFrame(answer).length };
  };
  return await use({ folder, redis, masterKey, latchkey, admin, people, another, echoOf });
}

/** Starts a server that is stopped with the stand, even if the stand ends before it has started. */
async function startIn<Server extends { stop(): Promise<unknown> }>(
  opened: AsyncDisposableStack,
  start: () => Promise<Server>,
): Promise<Server> {
  const starting = Promise.withResolvers<Server | undefined>();
  opened.defer(async () => void (await (await starting.promise)?.stop()));
  try {
    const server = await start();
    starting.resolve(server);
    return server;
  } catch (error) {
    starting.resolve(undefined);
    throw error;
  }
}

/** The service's ValidateResponse, encoded. Throws unless it accepts the token. */
export async function validate(port: number, accessToken: string): Promise<Buffer> {
  const connection = await GrpcConnection.open(port, IdentityServiceService.validate.path);
  const answer = await connection.ask(validateFrame(accessToken));
  connection.close();
  requireIdentity(answer);
  return answer;
}

/** Writes a gRPC frame to a file in the stand's folder, for h2load. */
export function writeFrame({ folder }: Stand, name: string, frame: Buffer): string {
  const file = path.join(folder, `${name}.bin`);
  writeFileSync(file, frame);
  return file;
}
