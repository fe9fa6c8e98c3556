import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { connect, type LatchkeyClient } from '../../src/client/index.ts';
import { LatchkeyProcess } from '../support/latchkey-process.ts';

const PASSWORD = 'a sentence that only I would say';
const ACCOUNT = { username: 'billing', password: 'another sentence of mine' };
const credentials = { kind: 'plaintext' } as const;

let folder: string;
let service: LatchkeyProcess;
let admin: LatchkeyClient;
let userId: string;
const clients: LatchkeyClient[] = [];

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'latchkey-account-'));
  service = await LatchkeyProcess.start({
    LATCHKEY_DATA_DIR: folder,
    LATCHKEY_BOOTSTRAP_PASSWORD: PASSWORD,
    LATCHKEY_CALLER_AUTH: 'token',
  });
  admin = open({ username: 'admin', password: PASSWORD });
  const created = await admin.users.createUser({
    username: ACCOUNT.username,
    credential: { $case: 'password', value: ACCOUNT.password },
    roles: ['service'],
  });
  userId = created.user?.userId ?? '';
});

afterAll(async () => {
  await Promise.all(clients.map((client) => client.close()));
  await service.stop();
  rmSync(folder, { recursive: true });
});

function open(serviceAccount: { username: string; password: string }, mode: 'local' | 'remote' = 'remote') {
  const client = connect(service.address, { credentials, mode, serviceAccount });
  clients.push(client);
  return client;
}

test.each(['local', 'remote'] as const)(
  'a client with a service account validates in %s mode, also after its session has ended',
  async (mode) => {
    const client = open(ACCOUNT, mode);
    const { tokens } = await admin.login({ username: 'admin', password: PASSWORD });
    const strong = { consistency: 'strong' } as const;
    expect(await client.validate(tokens.accessToken, strong)).toMatchObject({ kind: 'accepted' });
    await admin.users.disableUser({ userId });
    await admin.users.enableUser({ userId });
    expect(await client.validate(tokens.accessToken, strong)).toMatchObject({ kind: 'accepted' });
  },
);

test('a client with a wrong password reports that its account could not sign in', async () => {
  const client = open({ ...ACCOUNT, password: 'not this one' });
  await expect(client.validate('a')).rejects.toMatchObject({
    reason: 'INVALID_CREDENTIALS',
    details: expect.stringMatching(/^The service account could not sign in: /),
  });
});

test('a client with a service account signs out when it is closed', async () => {
  const client = open(ACCOUNT);
  const { tokens } = await admin.login({ username: 'admin', password: PASSWORD });
  await client.validate(tokens.accessToken);
  await client.close();
  await expect(client.validate(tokens.accessToken)).rejects.toMatchObject({ code: 1 });
});
