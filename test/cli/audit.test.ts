import { PassThrough, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { runCommand } from '../../src/cli/program.ts';
import { AuditActorKind, type AuditEvent, AuditEventKind } from '../../src/gen/latchkey/admin/v1/audit.ts';
import { ADMIN, FakeLatchkey } from '../support/fake-latchkey.ts';

const AT = new Date(Date.UTC(2026, 0, 31, 12));
const SESSION = '019b7600-0000-7000-8000-0000000000aa';

const ended: AuditEvent = {
  ...{ eventId: '019b7600-0000-7000-8000-0000000000e1', at: AT, lastAt: AT, count: 1 },
  kind: AuditEventKind.SESSION_ENDED,
  actor: { kind: AuditActorKind.CALLER, userId: 'u', username: 'root', sessionId: 's', clientId: '' },
  ...{ userId: '019b7600-0000-7000-8000-000000000001', username: 'mia', sessionId: SESSION },
  ...{ ipAddress: '', clientId: '', reason: 'ENDED_BY_ADMIN', details: {} },
};
const failed: AuditEvent = {
  ...{ eventId: '019b7600-0000-7000-8000-0000000000e2', at: AT, lastAt: AT, count: 120 },
  kind: AuditEventKind.SIGN_IN_FAILED,
  actor: { kind: AuditActorKind.CREDENTIALS, userId: '', username: '', sessionId: '', clientId: '' },
  ...{ userId: '', username: '', sessionId: '', ipAddress: '192.0.2.1', clientId: 'web' },
  ...{ reason: 'INVALID_CREDENTIALS', details: {} },
};

let fake: FakeLatchkey;

beforeEach(async () => {
  fake = await FakeLatchkey.start();
  fake.auditEvents = [ended, failed];
});

afterEach(() => fake.close());

async function audit(...args: readonly string[]) {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const env = { LATCHKEY_PASSWORD: ADMIN.password };
  const { signal } = new AbortController();
  const all = ['audit', '--address', fake.address, ...args];
  const code = await runCommand(all, { env, stdin: Readable.from([]), stdout, stderr, signal });
  stdout.end();
  stderr.end();
  return { code, stdout: await text(stdout), stderr: await text(stderr) };
}

const requests = () => fake.calls.flatMap(({ rpc, request }) => (rpc === 'ListAuditEvents' ? [request] : []));

test('audit prints what happened to whom, how often, from where, why and by whom', async () => {
  const { code, stdout, stderr } = await audit();
  expect([code, stderr]).toEqual([0, '']);
  const [head, first, second] = stdout.split('\n').map((line) => line.split(/ {2,}/));
  expect(head).toEqual(['TIME', 'EVENT', 'TIMES', 'USER', 'SESSION', 'ADDRESS', 'REASON', 'BY']);
  expect(first).toEqual([
    ...['2026-01-31T12:00:00Z', 'SESSION_ENDED', '1', 'mia', SESSION, '-', 'ENDED_BY_ADMIN', 'root'],
  ]);
  expect(second?.slice(1)).toEqual([
    ...['SIGN_IN_FAILED', '120', '-', '-', '192.0.2.1', 'INVALID_CREDENTIALS', 'credentials'],
  ]);
});

test('audit prints the details of an event without a reason, except what is for programs', async () => {
  const risky = { mode: 'shadow', signals: 'new-device new-network', action: 'note' };
  fake.auditEvents = [
    {
      ...failed,
      kind: AuditEventKind.SIGNED_IN,
      reason: '',
      details: { device_mark: 'm4rk', platform: 'ios' },
    },
    { ...failed, kind: AuditEventKind.SIGNED_IN, reason: '', details: { device_mark: '', platform: '' } },
    { ...failed, kind: AuditEventKind.RISK_ASSESSED, reason: '', details: risky },
  ];
  const { stdout } = await audit();
  const reasons = stdout.split('\n').map((line) => line.split(/ {2,}/)[6]);
  expect(reasons.slice(1, 4)).toEqual(['ios', '-', 'shadow new-device new-network note']);
  expect(stdout).not.toContain('m4rk');
});

test('audit --json prints all fields, with the names of kinds', async () => {
  const { stdout } = await audit('--json');
  expect(JSON.parse(stdout)).toMatchObject([
    { kind: 'SESSION_ENDED', actor: { kind: 'CALLER', username: 'root' }, at: AT.toISOString() },
    { kind: 'SIGN_IN_FAILED', count: 120 },
  ]);
});

test('audit asks for what the options say', async () => {
  const { userId } = fake.addUser('mia');
  const { code } = await audit(
    ...['--user', 'mia', '--session', SESSION.toUpperCase(), '--kind', 'sign-in-failed'],
    ...['--ip', '192.0.2.1', '--since', '2026-01-31T00:00:00Z', '--until', '1m'],
  );
  expect(code).toBe(0);
  expect(requests()).toMatchObject([
    {
      ...{ userId, sessionId: SESSION, kind: AuditEventKind.SIGN_IN_FAILED, ipAddress: '192.0.2.1' },
      ...{ from: new Date(Date.UTC(2026, 0, 31)), until: expect.any(Date), pageSize: 100 },
    },
  ]);
});

test('audit reads pages until it has as many as were asked for', async () => {
  fake.auditEvents = Array.from({ length: 9 }, () => ended);
  fake.pageLimit = 2;
  const { stdout } = await audit('--limit', '5', '--json');
  expect(JSON.parse(stdout)).toHaveLength(5);
  expect(requests()).toMatchObject([{ pageSize: 5 }, { pageSize: 3 }, { pageSize: 1 }]);
});

test.each([
  ['--since', 'yesterday'],
  ['--kind', 'UNSPECIFIED'],
  ['--ip', 'here'],
  ['--limit', '0'],
])('audit %s %s is a usage error, and nothing is asked', async (...args) => {
  expect((await audit(...args)).code).toBe(2);
  expect(fake.rpcs).toEqual([]);
});
