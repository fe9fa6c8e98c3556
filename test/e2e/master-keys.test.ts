import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { MasterKeys } from '../../src/core/keys/master-key.ts';
import { COMPILE_CACHE } from '../support/compile-cache.ts';
import { IdentityClient } from '../support/identity-client.ts';
import { LatchkeyProcess } from '../support/latchkey-process.ts';

const PASSWORD = 'correct horse battery';
const CLI = new URL('../../src/cli/main.ts', import.meta.url).pathname;
const masterKey = () => randomBytes(32);
const idOf = (key: Buffer) => new MasterKeys([key]).newest.id;
const listOf = (...keys: Buffer[]) => keys.map((key) => key.toString('base64url')).join(',');

describe('an operator who rotates the master key', () => {
  let dataDir: string;
  let service: LatchkeyProcess | undefined;

  beforeEach(() => {
    dataDir = mkdtempSync(join(tmpdir(), 'latchkey-master-keys-'));
  });

  afterEach(async () => {
    await service?.stop();
    rmSync(dataDir, { recursive: true, force: true });
  });

  const start = async (...keys: Buffer[]) => {
    await service?.stop();
    service = await LatchkeyProcess.start({
      LATCHKEY_DATA_DIR: dataDir,
      LATCHKEY_MASTER_KEY: listOf(...keys),
      LATCHKEY_BOOTSTRAP_PASSWORD: PASSWORD,
    });
    return service;
  };
  const command = async (...args: string[]) => {
    const env = { ...COMPILE_CACHE, LATCHKEY_ADDRESS: service?.address, LATCHKEY_PASSWORD: PASSWORD };
    return (await promisify(execFile)(process.execPath, [CLI, ...args], { env })).stdout;
  };

  test('sees the key ids in the log, and in the list which signing key needs which', async () => {
    const older = masterKey();
    const newer = masterKey();
    await start(older);
    const { log } = await start(newer, older);
    expect(log).toContainEqual(
      expect.objectContaining({
        level: 'info',
        msg: 'master keys, newest first',
        ids: `${idOf(newer)}, ${idOf(older)}`,
      }),
    );
    expect(JSON.stringify(log)).not.toContain(newer.toString('base64url'));
    await command('keys', 'rotate');
    const [, successor, first] = (await command('keys', 'list')).split('\n');
    expect(successor).toMatch(new RegExp(` PUBLISHED .* ${idOf(newer)}$`));
    expect(first).toMatch(new RegExp(` SIGNING .* ${idOf(older)}$`));
  }, 60_000);

  test('continues with a new key alone after a leak, once the signing keys are deleted', async () => {
    const [leaked, fresh] = [masterKey(), masterKey()];
    await start(leaked);
    await service?.stop();
    const database = new DatabaseSync(join(dataDir, 'latchkey.db'));
    database.exec('delete from signing_keys');
    database.close();
    const main = new URL('../../src/main.ts', import.meta.url).pathname;
    const { stdout } = await promisify(execFile)(process.execPath, [main, 'reset-admin'], {
      env: {
        ...COMPILE_CACHE,
        ...{ LATCHKEY_DATA_DIR: dataDir, LATCHKEY_MASTER_KEY: listOf(fresh), LATCHKEY_BCRYPT_COST: '4' },
      },
    });
    const password = / has a new password: (\S+)/.exec(stdout)?.[1] ?? '';
    const { address } = await start(fresh);
    const client = new IdentityClient(address);
    await expect(client.login({ password })).resolves.toBeDefined();
    await expect(client.login({ password: PASSWORD })).rejects.toThrow('Invalid username or password');
    client.close();
  }, 60_000);
});
