import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import {
  credentials,
  loadPackageDefinition,
  Metadata,
  type ServiceClientConstructor,
  type ServiceError,
  status,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { COMPILE_CACHE } from '../support/compile-cache.ts';
import { eventually } from '../support/eventually.ts';
import { IdentityClient } from '../support/identity-client.ts';
import { LatchkeyProcess } from '../support/latchkey-process.ts';

const examples = path.resolve(import.meta.dirname, '../../scripts/examples');
const password = 'correct horse battery';
const dataDir = mkdtempSync(path.join(tmpdir(), 'latchkey-examples-'));

let service: LatchkeyProcess;
let identity: IdentityClient;
let example: ChildProcess;

beforeAll(async () => {
  service = await LatchkeyProcess.start({
    LATCHKEY_DATA_DIR: dataDir,
    LATCHKEY_BOOTSTRAP_PASSWORD: password,
  });
  identity = new IdentityClient(service.address);
});

afterEach(async () => {
  example.kill();
  await once(example, 'close');
});

afterAll(async () => {
  identity.close();
  await service.stop();
  rmSync(dataDir, { recursive: true });
});

/** Starts an example. Returns the address that it prints. */
async function start(name: string): Promise<string> {
  example = spawn(process.execPath, [path.join(examples, name)], {
    env: { ...process.env, ...COMPILE_CACHE, LATCHKEY_ADDRESS: service.address },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (example.stdout === null) throw new Error('the example has no output');
  const [line] = await once(createInterface(example.stdout), 'line');
  return /serves? on (\S+)/.exec(String(line))?.[1] ?? '';
}

async function signIn(): Promise<string> {
  const { tokens } = await identity.login({ password });
  return tokens?.accessToken ?? '';
}

const signOut = (token: string) => identity.logout({ $case: 'accessToken', value: token });

describe('the guarded gRPC service', () => {
  test('greets with buf curl while the session is live', async () => {
    const greeter = await start('guarded-grpc-service.ts');
    const script = spawn(path.join(examples, 'buf-curl.sh'), [service.address, greeter], {
      env: { ...process.env, LATCHKEY_PASSWORD: password },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const [said] = await Promise.all([text(script.stdout), once(script, 'close')]);
    expect(said.split(/^--- .*\n/m).slice(1)).toStrictEqual([
      'refused\n',
      expect.stringMatching(/"greeting": ?"Hello, [0-9a-f-]{36}!"/),
      'refused\n',
    ]);
  });

  test('stops greeting when the session ends', async () => {
    const greeter = await start('guarded-grpc-service.ts');
    const { v1 } = loadPackageDefinition(loadSync(path.join(examples, 'greeter.proto')))[
      'examples'
    ] as unknown as {
      v1: { GreeterService: ServiceClientConstructor };
    };
    const client = new v1.GreeterService(greeter, credentials.createInsecure());
    const metadata = new Metadata();
    const token = await signIn();
    metadata.set('authorization', `Bearer ${token}`);
    const stream = client['keepGreeting']?.({}, metadata, { deadline: Date.now() + 10_000 });
    const ended = new Promise<ServiceError>((resolve) => stream.on('error', resolve));
    let greetings = 0;
    stream.on('data', () => {
      greetings += 1;
    });
    await eventually(() => greetings > 0);
    await signOut(token);
    expect(await ended).toMatchObject({ code: status.UNAUTHENTICATED });
    client.close();
  });
});

test('the guarded HTTP service stores a note for a signed-in user', async () => {
  const notes = await start('guarded-http-service.ts');
  const token = await signIn();
  const authorization = `Bearer ${token}`;
  const headers = { authorization, 'content-type': 'application/json' };
  const put = await fetch(`${notes}/note`, { method: 'PUT', headers, body: '{"note": "milk"}' });
  expect(await put.json()).toStrictEqual({ note: 'milk' });
  expect((await fetch(`${notes}/healthz`)).status).toBe(200);
  expect((await fetch(`${notes}/note`)).status).toBe(401);
  expect((await fetch(`${notes}/notes`, { method: 'DELETE', headers: { authorization } })).status).toBe(200);
  await signOut(token);
  await eventually(async () => (await fetch(`${notes}/note`, { headers })).status === 401);
});
