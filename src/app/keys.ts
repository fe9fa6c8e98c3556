import { JoseKeyMaterial } from '../adapters/jose/jose-key-material.ts';
import type { SqlDatabase } from '../adapters/sql/sql-database.ts';
import { Failure } from '../core/failure.ts';
import { masterKeyIdOf } from '../core/keys/key-sealing.ts';
import { KeyService } from '../core/keys/key-service.ts';
import type { MasterKeys } from '../core/keys/master-key.ts';
import type { Logger } from '../telemetry/logger.ts';
import { KeySet } from '../validator/key-set.ts';
import { AFTER_LAST_TOKEN_MS, MINUTE_MS, type Site } from './site.ts';
import { StartFault } from './start-fault.ts';
import { namingDatabase } from './stores.ts';

/** A new key is published so long before it signs; every process reads the keys more often. */
const KEY_PUBLISH_LEAD_MS = 10 * MINUTE_MS;
const KEY_TICK_MS = MINUTE_MS;
const UNKNOWN_KEY_REFETCH_MS = 1_000;

/** Keys to sign with, and the same keys to verify with, both looked at anew on a schedule. */
export async function openKeys(
  site: Pick<Site, 'config' | 'clock' | 'logger' | 'closers'>,
  database: Pick<SqlDatabase, 'keys'>,
  masterKeys: MasterKeys,
) {
  const { config, clock, logger, closers } = site;
  const keys = new KeyService({
    store: database.keys,
    material: new JoseKeyMaterial(),
    masterKeys,
    clock,
    policy: {
      algorithm: config.signingAlgorithm,
      rotationMs: config.signingKeyRotationMs,
      publishLeadMs: KEY_PUBLISH_LEAD_MS,
      retentionMs: config.accessTokenTtlMs + AFTER_LAST_TOKEN_MS,
    },
  });
  closers.add(() => keys.close());
  await namingDatabase(config, async () => {
    await keys.start().catch(namingMasterKeys);
    await warnOfMissing(masterKeys, keys, database, logger);
  });
  const keySet = new KeySet({
    fetch: async () => {
      await keys.reload();
      return keys.publicKeys();
    },
    clock,
    minRefetchIntervalMs: UNKNOWN_KEY_REFETCH_MS,
  });
  await keySet.refresh();
  const tick = async () => {
    try {
      // What the tick has read is of use even where it could not do the rest.
      await keys.tick().finally(() => keySet.refresh());
    } catch (error) {
      logger.warn({ err: error }, 'the signing keys could not be looked after; those known are used on');
    }
  };
  const timer = setInterval(() => void tick(), KEY_TICK_MS);
  closers.add(() => clearInterval(timer));
  return { keys, keySet };
}

/** The database did answer: what it holds cannot be opened. */
function namingMasterKeys(error: unknown): never {
  const isUnopened = error instanceof Failure && error.reason === 'INTERNAL';
  throw isUnopened ? new StartFault('LATCHKEY_MASTER_KEY', error.message, error) : error;
}

/**
 * The key that signs could be opened. One whose turn comes later would be missed only then, and with its master key
 * the passwords and refresh tokens of that time are missed already.
 */
async function warnOfMissing(
  masterKeys: MasterKeys,
  keys: KeyService,
  database: Pick<SqlDatabase, 'keys'>,
  logger: Logger,
): Promise<void> {
  const states = new Map(keys.list().map(({ keyId, state }) => [keyId, state]));
  for (const { keyId, sealedPrivateJwk } of await database.keys.list()) {
    const state = states.get(keyId);
    const missing = masterKeyIdOf(sealedPrivateJwk);
    if (state === undefined || missing === undefined || masterKeys.byId(missing) !== undefined) continue;
    logger.warn(
      { variable: 'LATCHKEY_MASTER_KEY', missing, keyId, state },
      'a signing key is sealed under a master key that is not in the list: add that to its end',
    );
  }
}
