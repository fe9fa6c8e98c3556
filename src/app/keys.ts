import { JoseKeyMaterial } from '../adapters/jose/jose-key-material.ts';
import type { SqlDatabase } from '../adapters/sql/sql-database.ts';
import { Failure } from '../core/failure.ts';
import { KeyService } from '../core/keys/key-service.ts';
import type { MasterKeys } from '../core/keys/master-key.ts';
import type { Logger } from '../telemetry/logger.ts';
import { KeySet } from '../validator/key-set.ts';
import { AFTER_LAST_TOKEN_MS, type AppContext, MINUTE_MS } from './app-context.ts';
import { StartupError } from './startup-error.ts';
import { databaseStep } from './stores.ts';

/** How long a new key is published before it signs. Every process reads the keys more often than this. */
const KEY_PUBLISH_LEAD_MS = 10 * MINUTE_MS;
const KEY_TICK_MS = MINUTE_MS;
const UNKNOWN_KEY_REFETCH_MS = 1_000;

/** Opens the signing keys and the public keys for verification. Both are reloaded on a schedule. */
export async function openKeys(
  context: Pick<AppContext, 'config' | 'clock' | 'logger' | 'closers'>,
  database: Pick<SqlDatabase, 'keys'>,
  masterKeys: MasterKeys,
) {
  const { config, clock, logger, closers } = context;
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
  await databaseStep(config, async () => {
    await keys.start().catch(failWithMasterKeys);
    warnOfMissing(masterKeys, keys, logger);
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
      // The keys that the tick has read are useful even if a later step failed.
      await keys.tick().finally(() => keySet.refresh());
    } catch (error) {
      logger.warn({ err: error }, 'signing-key maintenance failed; using the loaded keys');
    }
  };
  const timer = setInterval(() => void tick(), KEY_TICK_MS);
  closers.add(() => clearInterval(timer));
  return { keys, keySet };
}

/** INTERNAL means that the database responded, but its keys cannot be opened with the master keys. */
function failWithMasterKeys(error: unknown): never {
  const isUnopened = error instanceof Failure && error.reason === 'INTERNAL';
  throw isUnopened ? new StartupError('LATCHKEY_MASTER_KEY', error.message, error) : error;
}

/**
 * Warns of published keys whose master key is missing. The start opens only the key that signs now, so other keys would
 * fail later. Passwords and refresh tokens made under that master key fail already.
 */
function warnOfMissing(masterKeys: MasterKeys, keys: KeyService, logger: Logger): void {
  for (const { keyId, state, masterKeyId: missing } of keys.list()) {
    if (missing === undefined || masterKeys.byId(missing) !== undefined) continue;
    logger.warn(
      { variable: 'LATCHKEY_MASTER_KEY', missing, keyId, state },
      'a signing key is sealed with a master key that is not in the list; add that key to the end of the list',
    );
  }
}
