import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { connect, type LatchkeyClient } from '../../src/client/index.ts';
import { LatchkeyProcess } from '../support/latchkey-process.ts';

const PODS = 20;
const PASSWORD = 'a sentence that only I would say';
const credentials = { kind: 'plaintext' } as const;

let folder: string;
let service: LatchkeyProcess;
const clients: LatchkeyClient[] = [];

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'latchkey-fleet-'));
  service = await LatchkeyProcess.start({
    LATCHKEY_DATA_DIR: folder,
    LATCHKEY_BOOTSTRAP_PASSWORD: PASSWORD,
    LATCHKEY_BCRYPT_COST: '4',
    LATCHKEY_DEVICE_POLICY: 'one',
  });
});

afterAll(async () => {
  await Promise.all(clients.map((client) => client.close()));
  await service.stop();
  rmSync(folder, { recursive: true });
});

function open(): LatchkeyClient {
  const client = connect(service.address, { credentials, mode: 'remote', timeoutMs: 20_000 });
  clients.push(client);
  return client;
}

/** Signs in once from each pod and returns the verdicts on all sessions after that. */
async function signInFromEveryPod(account: { readonly username: string; readonly password: string }) {
  const signIns = await Promise.all(Array.from({ length: PODS }, () => open().login(account)));
  const client = open();
  return Promise.all(
    signIns.map(
      async ({ tokens }) => (await client.validate(tokens.accessToken, { consistency: 'strong' })).kind,
    ),
  );
}

test('pods that share the account of a service all stay signed in where a person may have one session', async () => {
  const admin = open();
  const { tokens } = await admin.login({ username: 'admin', password: PASSWORD });
  const create = async (username: string, roles: string[]) => {
    const account = { username, password: `a pass phrase of ${username}` };
    const credential = { $case: 'password', value: account.password } as const;
    await admin.users.createUser({ username, credential, roles }, { token: tokens.accessToken });
    return account;
  };
  const fleet = await signInFromEveryPod(await create('billing', ['service']));
  expect(fleet).toEqual(Array.from({ length: PODS }, () => 'accepted'));
  const person = await signInFromEveryPod(await create('ada', []));
  expect(person.filter((verdict) => verdict === 'accepted')).toHaveLength(1);
});
