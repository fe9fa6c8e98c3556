import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { App } from '../../src/app/started.ts';
import { openApp } from '../../src/app.ts';
import { connect, type LatchkeyClient } from '../../src/client/index.ts';
import { readConfig } from '../../src/config.ts';
import { createLogger } from '../../src/telemetry/logger.ts';
import { ManualClock } from '../support/manual-clock.ts';

const PASSWORD = 'correct horse battery';
const STEP_MS = 15_000;
/** Two rotations, each with the ten minutes for which a key is published before it signs. */
const STEPS = 96;
const ROTATE_AT = [2, 48];

function keyIdOf(token: string): unknown {
  const [header = ''] = token.split('.');
  return (JSON.parse(Buffer.from(header, 'base64url').toString()) as { kid: unknown }).kid;
}

describe('while signing keys roll over', () => {
  const clock = new ManualClock(Date.now());
  let dataDir: string;
  let app: App;
  let clients: LatchkeyClient[];

  beforeEach(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'latchkey-rotation-'));
    const outcome = readConfig(
      {
        LATCHKEY_LISTEN: '127.0.0.1:0',
        LATCHKEY_METRICS_LISTEN: 'off',
        LATCHKEY_DATA_DIR: dataDir,
        LATCHKEY_BCRYPT_COST: '4',
        LATCHKEY_BOOTSTRAP_PASSWORD: PASSWORD,
      },
      1,
    );
    if (outcome.kind === 'issues') throw new Error(outcome.issues.map(({ sentence }) => sentence).join());
    app = await openApp(outcome.config, clock, createLogger('silent'));
    clients = [];
  });

  afterEach(async () => {
    await Promise.all(clients.map((client) => client.close()));
    await app.close();
    rmSync(dataDir, { recursive: true, force: true });
  });

  const client = (mode: 'local' | 'remote', token?: () => string | undefined): LatchkeyClient => {
    const made = connect(app.address, {
      credentials: { kind: 'plaintext' },
      mode,
      clock,
      ...(token === undefined ? {} : { token }),
    });
    clients.push(made);
    return made;
  };

  test('every valid token is accepted, in both modes', async () => {
    let accessToken: string | undefined;
    const admin = client('remote', () => accessToken);
    const validators = [client('local'), client('remote')];
    await Promise.all(validators.map((validator) => validator.ready()));
    const { tokens } = await admin.login({ username: 'admin', password: PASSWORD, clientId: 'test' });
    let refreshToken = tokens?.refreshToken ?? '';
    accessToken = tokens?.accessToken;

    const refused: unknown[] = [];
    const keyIds = new Set<unknown>();
    /** Tokens of the last few minutes, none of which has expired. */
    const living: string[] = [];
    for (let step = 0; step < STEPS; step += 1) {
      if (ROTATE_AT.includes(step)) await admin.keys.rotateSigningKey({});
      const refreshed = await admin.refresh({ refreshToken });
      refreshToken = refreshed.tokens?.refreshToken ?? '';
      accessToken = refreshed.tokens?.accessToken ?? '';
      keyIds.add(keyIdOf(accessToken));
      living.push(accessToken);
      if (living.length > 50) living.shift();
      await Promise.all(
        validators.flatMap((validator) =>
          living.map(async (token) => {
            const validation = await validator.validate(token);
            if (validation.kind !== 'accepted') refused.push({ step, validation });
          }),
        ),
      );
      clock.advance(STEP_MS);
    }
    expect(refused).toEqual([]);
    expect(keyIds.size).toBe(3);
  }, 60_000);
});
