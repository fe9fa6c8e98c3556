import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { openSqlite } from '../../src/adapters/sql/sqlite.ts';
import { connect, type LatchkeyClient } from '../../src/client/index.ts';
import { countryFile } from '../support/country-file.ts';
import { eventually } from '../support/eventually.ts';
import { LatchkeyProcess } from '../support/latchkey-process.ts';
import { RedisServer } from '../support/redis-server.ts';

const PASSWORD = 'correct horse battery';
const [GERMANY, FRANCE, JAPAN] = ['203.0.113.1', '198.51.100.1', '192.0.2.1'];
const COUNTRIES = { '203.0.113.0/24': 'DE', '198.51.100.0/24': 'FR', '192.0.2.0/24': 'JP' };
const NEW_COUNTRY = [
  { at: 'sign-in', signals: ['new-country'], action: 'end-session' },
  { at: 'refresh', signals: ['new-country'], action: 'end-session' },
];

let folder: string;
let rulesFile: string;
let geoFile: string;
let opened: (() => unknown)[];

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'latchkey-risk-'));
  opened = [() => rmSync(folder, { recursive: true, force: true })];
  rulesFile = path.join(folder, 'risk-rules.json');
  geoFile = path.join(folder, 'countries.mmdb');
  writeFileSync(geoFile, countryFile(COUNTRIES));
});

afterEach(async () => {
  for (const close of opened.reverse()) await close();
});

const writeRules = (mode: string, rules: readonly object[]) =>
  writeFileSync(rulesFile, JSON.stringify({ mode, rules }));

const environment = () => ({
  LATCHKEY_DATA_DIR: path.join(folder, 'data'),
  LATCHKEY_BOOTSTRAP_PASSWORD: PASSWORD,
  LATCHKEY_BCRYPT_COST: '4',
  LATCHKEY_FRONT_AUTH: 'token',
  LATCHKEY_RISK_RULES_FILE: rulesFile,
  LATCHKEY_GEO_FILE: geoFile,
});

function clientOf(service: LatchkeyProcess, username: string): LatchkeyClient {
  const serviceAccount = { username, password: PASSWORD };
  const client = connect(service.address, {
    ...{ credentials: { kind: 'plaintext' }, mode: 'remote', serviceAccount },
  });
  opened.push(() => client.close());
  return client;
}

/** A service with the user mia, and a front that signs her in. */
async function start() {
  const service = await LatchkeyProcess.start(environment());
  opened.push(() => service.stop());
  const admin = clientOf(service, 'admin');
  for (const [username, roles] of [
    ['front', ['front']],
    ['mia', []],
  ] as const) {
    await admin.users.createUser({
      ...{ username, roles: [...roles] },
      credential: { $case: 'password', value: PASSWORD },
    });
  }
  const front = clientOf(service, 'front');
  const signIn = (ipAddress: string, deviceId = 'laptop') =>
    front.login({
      ...{ username: 'mia', password: PASSWORD, clientId: 'web', origin: { ipAddress } },
      device: { deviceId, name: deviceId, platform: 'Linux' },
    });
  const refresh = (refreshToken: string, ipAddress: string) =>
    front.refresh({ refreshToken, origin: { ipAddress } });
  const logged = (message: string) => service.log.filter(({ msg }) => String(msg).includes(message));
  return { service, signIn, refresh, logged };
}

const reasonOf = (call: Promise<unknown>) =>
  call.then(
    () => 'OK',
    ({ reason, metadata }: { reason: string; metadata?: Record<string, string> }) =>
      [reason, metadata?.['end_reason']].filter((part) => part !== undefined).join(' '),
  );

/** The events in the trail besides sign-ins. */
async function reported(): Promise<readonly string[]> {
  const database = openSqlite({ file: path.join(folder, 'data', 'latchkey.db') });
  const { events } = await database.audit.list({}, 100);
  await database.close();
  return events
    .filter(({ kind, username }) => username === 'mia' && !/^(SignedIn|UserChanged)$/.test(kind))
    .map(({ kind, reason, details, ipAddress }) =>
      [kind, reason, ...Object.values(details), ipAddress].filter(Boolean).join(' '),
    );
}

test('rules are reported in shadow mode, and enforced once the file says so, without a restart', async () => {
  writeRules('shadow', NEW_COUNTRY);
  const { service, signIn, refresh, logged } = await start();
  expect(logged('RULES_FILE: the file was read')).toMatchObject([{ mode: 'shadow', rules: 2 }]);

  const atHome = await signIn(GERMANY);
  expect(atHome.session.isNewDevice).toBe(true);
  expect((await signIn('10.0.0.1')).session.isNewDevice).toBe(false);
  const abroad = await signIn(FRANCE, 'phone');
  expect(abroad.session.isNewDevice).toBe(true);

  writeRules('enforce', NEW_COUNTRY);
  await eventually(() => logged('RULES_FILE: the file was read').length === 2);
  expect(await reasonOf(signIn(JAPAN))).toBe('SIGN_IN_RISK');
  expect(await reasonOf(signIn(GERMANY))).toBe('OK');
  const refreshed = await refresh(abroad.tokens.refreshToken, GERMANY);

  writeFileSync(rulesFile, '{"mode": "off"');
  await eventually(() => logged('the changed file cannot be used').length === 1);
  expect(await reasonOf(refresh(refreshed.tokens.refreshToken, JAPAN))).toBe('SESSION_ENDED RISK');

  await service.stop();
  expect((await reported()).toSorted()).toEqual([
    'NewDevice 198.51.100.1',
    'NewDevice 203.0.113.1',
    'RiskAssessed new-device new-network new-country end-session shadow 198.51.100.1',
    'RiskAssessed new-network new-country end-session enforce 192.0.2.1',
    'RiskAssessed new-network new-country end-session enforce 192.0.2.1',
    // The sign-in on the same device.
    'SessionEnded REPLACED',
    'SessionEnded REPLACED',
    'SessionEnded RISK',
    'SessionMoved 198.51.100.1 203.0.113.1',
    'SessionMoved 203.0.113.1 192.0.2.1',
    'SignInRefused SIGN_IN_RISK 192.0.2.1',
  ]);
}, 30_000);

test('a session that is shortened ends at its new deadline for its holder', async () => {
  const lifetime = { action: 'shorten', lifetime: '1h' };
  writeRules('enforce', [{ at: 'refresh', signals: ['new-network'], ...lifetime }]);
  const { signIn, refresh } = await start();
  const { session, tokens } = await signIn(GERMANY);
  const moved = await refresh(tokens.refreshToken, FRANCE);
  const hour = 3_600_000;
  expect(moved.session.absoluteDeadline.getTime()).toBeLessThan(session.createdAt.getTime() + 2 * hour);
  expect(moved.tokens.refreshTokenExpiresAt).toEqual(moved.session.absoluteDeadline);
});

test('a device is known once its sign-in has gone from Redis to the trail, also without rules', async () => {
  const redis = await RedisServer.start();
  opened.push(() => redis.stop());
  const { LATCHKEY_RISK_RULES_FILE: _, LATCHKEY_GEO_FILE: __, ...others } = environment();
  const service = await LatchkeyProcess.start({ ...others, LATCHKEY_REDIS_URL: redis.url });
  opened.push(() => service.stop());
  const client = clientOf(service, 'admin');
  const signIn = async (deviceId: string, deviceToken = '') => {
    const device = { deviceId, name: '', platform: '' };
    const signedIn = await client.login({ username: 'admin', password: PASSWORD, device, deviceToken });
    return { isNew: signedIn.session.isNewDevice, deviceToken: signedIn.deviceToken };
  };
  const first = await signIn('laptop');
  expect(first.isNew).toBe(true);
  expect((await signIn('another id', first.deviceToken)).isNew).toBe(false);
  await eventually(async () => !(await signIn('laptop')).isNew);
});

test.each<[string, () => void, RegExp]>([
  [
    'rules that are wrong',
    () => writeRules('enforce', [{ at: 'sign-in', signals: ['new-country'], action: 'warn' }]),
    /LATCHKEY_RISK_RULES_FILE: .*risk-rules.json cannot be used: rule 1: action must be one of note, shorten, end-session, end-all\. /,
  ],
  [
    'rules that are missing',
    () => undefined,
    /LATCHKEY_RISK_RULES_FILE: .*risk-rules.json cannot be used: ENOENT/,
  ],
  [
    'a file without countries',
    () => {
      writeRules('shadow', NEW_COUNTRY);
      writeFileSync(geoFile, 'DE');
    },
    /LATCHKEY_GEO_FILE: .*countries.mmdb cannot be used: it is not in the MaxMind DB format\. /,
  ],
])('a start with %s fails, and says what to do', async (_, write, message) => {
  write();
  const { code, errors } = await LatchkeyProcess.run(environment());
  expect([code, errors]).toEqual([1, expect.stringMatching(message)]);
});
