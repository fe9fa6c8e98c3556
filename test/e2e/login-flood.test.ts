import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { eventually } from '../support/eventually.ts';
import { IdentityClient } from '../support/identity-client.ts';
import { LatchkeyProcess } from '../support/latchkey-process.ts';

const PASSWORD = 'correct horse battery';
const RESOURCE_EXHAUSTED = 8;
/** The limit of concurrent calls of one connection. */
const STREAMS = 200;

let dataDir: string;
let service: LatchkeyProcess;
let clients: IdentityClient[];

beforeEach(async () => {
  clients = [];
  dataDir = mkdtempSync(join(tmpdir(), 'latchkey-flood-'));
  service = await LatchkeyProcess.start({
    LATCHKEY_DATA_DIR: dataDir,
    LATCHKEY_BOOTSTRAP_PASSWORD: PASSWORD,
    LATCHKEY_BCRYPT_COST: '8',
    LATCHKEY_BCRYPT_THREADS: '1',
    // The queue is what is tested.
    LATCHKEY_LOGIN_LIMITS: 'off',
  });
});

afterEach(async () => {
  for (const client of clients) client.close();
  await service.stop();
  rmSync(dataDir, { recursive: true, force: true });
});

/** A client with its own connection. */
function connect(): IdentityClient {
  const client = new IdentityClient(service.address, { 'grpc.use_local_subchannel_pool': 1 });
  clients.push(client);
  return client;
}

test('a flood of bad logins on one connection does not block logins on another', async () => {
  const flooder = connect();
  let refused = 0;
  let over = false;
  const lane = async () => {
    while (!over) {
      const { code } = await flooder.login({ username: 'nobody', password: 'wrong' }).catch((error) => error);
      if (code === RESOURCE_EXHAUSTED) refused += 1;
      // Often enough to keep the queue full, and rarely enough to leave the processor to the service.
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  };
  const lanes = Array.from({ length: STREAMS }, lane);
  await eventually(() => refused > STREAMS);

  const good = connect();
  const outcomes: string[] = [];
  for (let login = 0; login < 10; login += 1) {
    outcomes.push(await good.login({ password: PASSWORD }).then(() => 'in', String));
  }
  over = true;
  await Promise.all(lanes);
  expect(outcomes).toEqual(new Array(10).fill('in'));
}, 60_000);
