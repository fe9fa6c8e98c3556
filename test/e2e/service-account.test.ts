import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { connect, type LatchkeyClient } from '../../src/client/index.ts';
import { eventually } from '../support/eventually.ts';
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
    LATCHKEY_LOG_LEVEL: 'debug',
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
  // bcrypt runs at a low priority, so a busy machine delays a sign-in by seconds.
  const client = connect(service.address, { credentials, mode, serviceAccount, timeoutMs: 20_000 });
  clients.push(client);
  return client;
}

/** The account's sessions that have not ended, from the service's log. */
async function livingSessions(): Promise<ReadonlySet<unknown>> {
  const { session } = await admin.login({ username: 'admin', password: PASSWORD });
  // The log is in order: with this sign-in, everything before it is there.
  await eventually(() => service.log.some((entry) => entry['sessionId'] === session.sessionId));
  const living = new Set<unknown>();
  for (const entry of service.log.filter((one) => one['userId'] === userId)) {
    if (entry['event'] === 'SignedIn') living.add(entry['sessionId']);
    if (entry['event'] !== 'SessionEnded') continue;
    if (entry['sessionId'] === undefined) living.clear();
    else living.delete(entry['sessionId']);
  }
  return living;
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
    // Otherwise it may sign in again while another test counts sessions.
    await client.close();
  },
);

test('a client with a wrong password reports that its account could not sign in', async () => {
  const client = open({ ...ACCOUNT, password: 'not this one' });
  await expect(client.validate('a')).rejects.toMatchObject({
    reason: 'CALLER_UNAUTHENTICATED',
    details: expect.stringMatching(/^The service account could not sign in: /),
  });
});

describe('a client with a service account that is closed', () => {
  let before: ReadonlySet<unknown>;

  beforeEach(async () => {
    before = await livingSessions();
  });

  test('has no session left, and refuses calls', async () => {
    const client = open(ACCOUNT);
    await client.validate('a');
    expect((await livingSessions()).size).toBe(before.size + 1);
    await client.close();
    expect(await livingSessions()).toEqual(before);
    await expect(client.validate('a')).rejects.toMatchObject({ code: 1 });
  });

  test.each(['local', 'remote'] as const)(
    'while it signs in has no session left, in %s mode',
    async (mode) => {
      const client = open(ACCOUNT, mode);
      const validation = client.validate('a');
      await client.close();
      expect(await validation).toMatchObject({ kind: 'rejected' });
      expect(await livingSessions()).toEqual(before);
    },
  );

  test('with many validations in progress answers all of them and has no session left', async () => {
    const client = open(ACCOUNT);
    await client.validate('a');
    // More than fit into one call, so that some calls begin after the close.
    const validations = Array.from({ length: 1_500 }, () => client.validate('a'));
    await client.close();
    for (const validation of validations) expect(await validation).toMatchObject({ kind: 'rejected' });
    expect(await livingSessions()).toEqual(before);
  });
});
