import { randomBytes } from 'node:crypto';
import { afterEach, describe, expect, test } from '@jest/globals';
import { Closers } from '../../src/app/closers.ts';
import { openKeys } from '../../src/app/keys.ts';
import { type Config, readConfig } from '../../src/config.ts';
import { storeUnavailable } from '../../src/core/failure.ts';
import { MasterKeys } from '../../src/core/keys/master-key.ts';
import { createLogger } from '../../src/telemetry/logger.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { MemoryKeyStore } from '../support/memory-key-store.ts';
import { MINUTE } from '../support/sessions.ts';

const older = randomBytes(32);
const newer = randomBytes(32);
const newerId = new MasterKeys([newer]).newest.id;

let closers = new Closers();
afterEach(async () => {
  await closers.close();
  closers = new Closers();
});

function config(): Config {
  const outcome = readConfig({}, 1);
  if (outcome.kind === 'issues') throw new Error('the defaults are faulty');
  return outcome.config;
}

/** Starts of processes that share a key store, each with its own master keys. */
function starts(store = new MemoryKeyStore()) {
  const clock = new ManualClock();
  const start = async (...masterKeys: Buffer[]) => {
    const entries: Record<string, unknown>[] = [];
    const logger = createLogger('debug', { write: (line) => entries.push(JSON.parse(line)) });
    const context = { config: config(), clock, logger, closers };
    const { keys } = await openKeys(context, { keys: store }, new MasterKeys(masterKeys));
    return { keys, entries };
  };
  return { clock, start };
}

describe('a master key that is missing at start', () => {
  test('causes a warning with its id and the variable, if the next signing key needs it', async () => {
    const { start } = starts();
    await start(older);
    const { keys, entries } = await start(newer, older);
    const { keyId } = await keys.rotate();
    expect(entries).toEqual([]);
    expect((await start(older)).entries).toEqual([
      expect.objectContaining({
        level: 'warn',
        variable: 'LATCHKEY_MASTER_KEY',
        missing: newerId,
        keyId,
        state: 'PUBLISHED',
      }),
    ]);
  });

  test('causes a warning as long as a retired key that needs it is published', async () => {
    const { clock, start } = starts();
    await start(older);
    const { keys } = await start(newer, older);
    await keys.rotate();
    clock.advance(10 * MINUTE);
    expect((await start(newer)).entries).toMatchObject([{ level: 'warn', state: 'RETIRING' }]);
    clock.advance(24 * 60 * MINUTE);
    expect((await start(newer)).entries).toEqual([]);
  });

  test('fails the start with the variable, if the current signing key needs it', async () => {
    const { start } = starts();
    await start(newer);
    await expect(start(older)).rejects.toThrow(
      new RegExp(`^LATCHKEY_MASTER_KEY: .* the master key ${newerId}, which is not in`),
    );
  });
});

test('keys that cannot be read fail the start with the variable of the database', async () => {
  class Gone extends MemoryKeyStore {
    override list(): Promise<never> {
      return Promise.reject(storeUnavailable('keys', new Error('permission denied')));
    }
  }
  await expect(starts(new Gone()).start(older)).rejects.toThrow(/^LATCHKEY_DATA_DIR: .*permission denied/);
});
