import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { Client, credentials, Metadata } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { connect } from '../../src/client/connect.ts';
import type { LatchkeyClient } from '../../src/client/transport/latchkey-client.ts';
import { COMPILE_CACHE } from '../support/compile-cache.ts';
import { LatchkeyProcess } from '../support/latchkey-process.ts';

const root = path.resolve(import.meta.dirname, '../..');
const PASSWORD = 'unlikely horse battery';
/** Makes grpc-js print its actions, with the headers of requests. */
const TRACE = { GRPC_TRACE: 'all', GRPC_VERBOSITY: 'DEBUG' };

let dataDir: string;
let service: LatchkeyProcess;
let client: LatchkeyClient;
let accessToken: string;
let refreshToken: string;

beforeAll(async () => {
  dataDir = mkdtempSync(path.join(tmpdir(), 'latchkey-trace-'));
  service = await LatchkeyProcess.start({
    ...TRACE,
    LATCHKEY_LOG_LEVEL: 'debug',
    LATCHKEY_DATA_DIR: dataDir,
    LATCHKEY_BOOTSTRAP_PASSWORD: PASSWORD,
  });
  client = connect(service.address, { credentials: { kind: 'plaintext' }, token: () => accessToken });
  const { tokens } = await client.login({ username: 'admin', password: PASSWORD });
  accessToken = tokens?.accessToken ?? '';
  refreshToken = tokens?.refreshToken ?? '';
}, 30_000);

afterAll(async () => {
  await client.close();
  await service.stop();
  rmSync(dataDir, { recursive: true });
});

/** Checks that headers were printed, and none of these secrets. */
function expectMasked(printed: string, secrets: readonly string[]): void {
  expect(printed).toMatch(/received headers .*"user-agent":\["grpc-node-js/);
  expect(printed).toContain('"authorization":["[secret]"]');
  for (const secret of secrets) expect(printed).not.toContain(secret);
}

/** Calls a method of the example, without its proto file. */
async function greet(address: string, token: string): Promise<void> {
  const caller = new Client(address, credentials.createInsecure());
  const metadata = new Metadata();
  metadata.set('authorization', `Bearer ${token}`);
  const bytes = (message: Buffer) => message;
  await new Promise<void>((resolve, reject) => {
    caller.makeUnaryRequest(
      ...(['/examples.v1.GreeterService/Hello', bytes, bytes, Buffer.alloc(0), metadata] as const),
      (error) => (error === null ? resolve() : reject(error)),
    );
  });
  caller.close();
}

describe('a trace of the gRPC library', () => {
  test('in the log of the service contains no token and no password', async () => {
    await client.users.listUsers({});
    await client.refresh({ refreshToken });
    expectMasked(service.log.map(({ msg }) => msg).join('\n'), [accessToken, refreshToken, PASSWORD]);
  });

  test('in a guarded service contains no token', async () => {
    const { PATH = '' } = process.env;
    const guarded = spawn(process.execPath, [path.join(root, 'scripts/examples/guarded-grpc-service.ts')], {
      env: { PATH, ...COMPILE_CACHE, LATCHKEY_ADDRESS: service.address, ...TRACE },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const printed = text(guarded.stderr);
    const [line] = await once(createInterface(guarded.stdout), 'line');
    const address = /serves? on (\S+)/.exec(String(line))?.[1] ?? '';
    await greet(address, accessToken);
    guarded.kill();
    expectMasked(await printed, [accessToken]);
  }, 30_000);

  test('of the command contains no token and no password', async () => {
    const { PATH = '' } = process.env;
    const command = spawn(process.execPath, [path.join(root, 'src/cli/main.ts'), 'users', 'list'], {
      env: {
        ...{ PATH, ...COMPILE_CACHE, ...TRACE },
        ...{ LATCHKEY_ADDRESS: service.address, LATCHKEY_PASSWORD: PASSWORD },
      },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const printed = await text(command.stderr);
    expect(printed).toContain('Received server headers');
    expect(printed).not.toMatch(/eyJ|lkr_/);
    expect(printed).not.toContain(PASSWORD);
  }, 30_000);
});
