import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { credentials } from '@grpc/grpc-js';
import { afterEach, expect, test } from '@jest/globals';
import type { CallSource } from '../../src/core/password/password-queue.ts';
import { IdentityServiceClient } from '../../src/gen/latchkey/v1/identity.ts';
import { fakeCore, type RunningServer, startIdentityServer } from './support/identity-server.ts';
import { call } from './support/unary-call.ts';

const request = {
  username: 'ada',
  password: 'right',
  clientId: 'web',
  device: undefined,
  origin: undefined,
  deviceToken: '',
  labels: {},
  endSessionId: '',
};

let running: RunningServer;
let folder: string;
afterEach(async () => {
  await running.close();
  rmSync(folder, { recursive: true, force: true });
});

/** The sources of two logins over one connection, and then of one over another. */
async function sourcesAt(address: string): Promise<readonly CallSource[]> {
  const { core, asked } = fakeCore();
  running = await startIdentityServer(core, { address });
  const clients = [0, 1].map(
    () =>
      new IdentityServiceClient(running.address, credentials.createInsecure(), {
        'grpc.use_local_subchannel_pool': 1,
      }),
  );
  for (const index of [0, 0, 1]) {
    const client = clients[index] as IdentityServiceClient;
    expect(await call(client, client.login, request)).toHaveProperty('ok');
  }
  for (const client of clients) client.close();
  return (asked as { source: CallSource }[]).map(({ source }) => source);
}

test.each(['127.0.0.1:0', 'unix:'])('connections have different sources at %s', async (kind) => {
  folder = mkdtempSync(join(tmpdir(), 'latchkey-source-'));
  const [first, again, other] = await sourcesAt(kind === 'unix:' ? `unix:${folder}/socket` : kind);
  expect(again).toEqual(first);
  expect(other?.connection).not.toBe(first?.connection);
  const address = kind === 'unix:' ? '' : '127.0.0.1';
  for (const source of [first, other]) expect(source).toMatchObject({ purpose: 'sign-in', address });
});
