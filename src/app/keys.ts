import { JoseKeyMaterial } from '../adapters/jose/jose-key-material.ts';
import type { SqlDatabase } from '../adapters/sql/sql-database.ts';
import { KeyService } from '../core/keys/key-service.ts';
import type { MasterKeys } from '../core/keys/master-key.ts';
import { KeySet } from '../validator/key-set.ts';
import { AFTER_LAST_TOKEN_MS, MINUTE_MS, type Site } from './site.ts';

/** A new key is published so long before it signs; every process reads the keys more often. */
const KEY_PUBLISH_LEAD_MS = 10 * MINUTE_MS;
const KEY_TICK_MS = MINUTE_MS;
const UNKNOWN_KEY_REFETCH_MS = 1_000;

/** Keys to sign with, and the same keys to verify with, both looked at anew on a schedule. */
export async function openKeys(
  { config, clock, logger, closers }: Site,
  database: SqlDatabase,
  masterKeys: MasterKeys,
) {
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
  await keys.start();
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
