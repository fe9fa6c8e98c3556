import { PassThrough, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { runCommand } from '../../src/cli/program.ts';
import {
  EndEvidence,
  EndedBy,
  type EndedSession,
  EndReason,
  type SessionExplanation,
  type SessionTimelineEntry,
  SessionTimelineKind,
} from '../../src/gen/latchkey/v1/session.ts';
import { ADMIN, FakeLatchkey } from '../support/fake-latchkey.ts';
import { fakeSession } from '../support/fake-session.ts';

const at = (minute: number) => new Date(Date.UTC(2026, 0, 31, 12, minute));
const SESSION = fakeSession(at(0));

let fake: FakeLatchkey;

beforeEach(async () => {
  fake = await FakeLatchkey.start();
});

afterEach(() => fake.close());

async function run(...args: readonly string[]) {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const env = { LATCHKEY_PASSWORD: ADMIN.password };
  const { signal } = new AbortController();
  const all = [...args, '--address', fake.address];
  const code = await runCommand(all, { env, stdin: Readable.from([]), stdout, stderr, signal });
  stdout.end();
  stderr.end();
  return { code, stdout: await text(stdout), stderr: await text(stderr) };
}

function entry(kind: SessionTimelineKind, minute: number, given: Partial<SessionTimelineEntry> = {}) {
  return {
    ...{ kind, at: at(minute), lastAt: at(minute), count: 1, reason: '', clientId: 'web' },
    ...{ endReason: EndReason.UNSPECIFIED, endedBy: EndedBy.UNSPECIFIED, operatorUsername: '' },
    ...{ ipAddress: '192.0.2.1', previousIpAddress: '', details: {}, ...given },
  };
}

const OPENED = entry(SessionTimelineKind.OPENED, 0);

function explanation(given: Partial<SessionExplanation> = {}): SessionExplanation {
  return {
    ...{ session: SESSION, entries: [OPENED], omitsEntries: false, endEvidence: EndEvidence.UNSPECIFIED },
    ...{ endedNotBefore: undefined, endedNotAfter: undefined, ...given },
  };
}

/** @param given without a time of the end, it is between minutes 5 and 9. */
function ended(endEvidence: EndEvidence, given: Partial<EndedSession>): SessionExplanation {
  const end = {
    ...{ sessionId: SESSION.sessionId, endReason: EndReason.UNSPECIFIED, endedAt: undefined },
    ...{ endedBy: EndedBy.UNSPECIFIED, operatorUsername: '', ...given },
  };
  const session = { ...SESSION, ended: end };
  const range = { endedNotBefore: end.endedAt ?? at(5), endedNotAfter: end.endedAt ?? at(9) };
  return explanation({ session, endEvidence, ...range });
}

const BY_ROOT = { endReason: EndReason.ENDED_BY_ADMIN, endedBy: EndedBy.OPERATOR, operatorUsername: 'root' };

test('explain prints a timeline: when, what, how often, from where, why and by whom', async () => {
  const { REPLAYED, MOVED, ANOMALY, ENDED } = SessionTimelineKind;
  const details = { signals: 'new-network', action: 'note', mode: 'shadow' };
  fake.explanation = {
    ...ended(EndEvidence.RECORDED, { ...BY_ROOT, endedAt: at(7) }),
    entries: [
      OPENED,
      entry(REPLAYED, 1, { count: 3 }),
      entry(MOVED, 2, { previousIpAddress: '192.0.2.1', ipAddress: '192.0.2.9' }),
      entry(ANOMALY, 3, { reason: 'RISK_ASSESSED', details }),
      entry(ENDED, 7, { ...BY_ROOT, ipAddress: '', clientId: '' }),
    ],
  };
  const { code, stdout, stderr } = await run('explain', SESSION.sessionId.toUpperCase());
  expect([code, stderr]).toEqual([0, '']);
  const lines = stdout.trimEnd().split('\n');
  expect(lines.slice(0, -1).map((line) => line.split(/ {2,}/))).toEqual([
    ['TIME', 'EVENT', 'TIMES', 'ADDRESS', 'CLIENT', 'REASON', 'BY'],
    ['2026-01-31T12:00:00Z', 'OPENED', '1', '192.0.2.1', 'web', '-', '-'],
    ['2026-01-31T12:01:00Z', 'REPLAYED', '3', '192.0.2.1', 'web', '-', '-'],
    ['2026-01-31T12:02:00Z', 'MOVED', '1', '192.0.2.1 > 192.0.2.9', 'web', '-', '-'],
    [
      '2026-01-31T12:03:00Z',
      'ANOMALY',
      '1',
      '192.0.2.1',
      'web',
      'RISK_ASSESSED new-network note shadow',
      '-',
    ],
    ['2026-01-31T12:07:00Z', 'ENDED', '1', '-', '-', 'ENDED_BY_ADMIN', 'root'],
  ]);
  expect(lines.at(-1)).toBe('Ended at 2026-01-31T12:07:00Z: an operator ended it (ENDED_BY_ADMIN, by root).');
  expect(fake.calls.find(({ rpc }) => rpc === 'ExplainSession')?.request).toEqual({
    ...{ sessionId: SESSION.sessionId, userId: '' },
  });
});

test.each<[string, SessionExplanation, string]>([
  [
    'a living session',
    explanation({ session: { ...SESSION, idleDeadline: at(10), absoluteDeadline: at(50) } }),
    'Living until 2026-01-31T12:10:00Z, with refreshes until 2026-01-31T12:50:00Z at the latest.',
  ],
  [
    'an end at a deadline',
    ended(EndEvidence.DEADLINE, { endReason: EndReason.IDLE, endedBy: EndedBy.SERVICE }),
    'Ended between 2026-01-31T12:05:00Z and 2026-01-31T12:09:00Z: it was not refreshed before its idle deadline (IDLE).',
  ],
  [
    'an end at one of two deadlines',
    ended(EndEvidence.DEADLINE, {}),
    'Ended between 2026-01-31T12:05:00Z and 2026-01-31T12:09:00Z, at its idle or its absolute deadline (IDLE or MAX_LIFETIME).',
  ],
  [
    'a record that is lost',
    ended(EndEvidence.LOST, {}),
    'Ended between 2026-01-31T12:05:00Z and 2026-01-31T12:09:00Z: it has no record any more. Its idle deadline passed, or the session store lost it.',
  ],
  [
    'a reason of a newer service',
    ended(EndEvidence.RECORDED, { endReason: 99 as never, endedAt: at(7) }),
    'Ended at 2026-01-31T12:07:00Z: 99 (99).',
  ],
])('explain says of %s how it is', async (_, explained, sentence) => {
  fake.explanation = explained;
  const { stdout } = await run('explain', SESSION.sessionId);
  expect(stdout.trimEnd().split('\n').at(-1)).toBe(sentence);
});

test('explain --json prints all fields, with the names of enums', async () => {
  fake.explanation = ended(EndEvidence.RECORDED, { ...BY_ROOT, endedAt: at(7) });
  const { stdout } = await run('explain', SESSION.sessionId, '--json');
  const names = { endReason: 'ENDED_BY_ADMIN', endedBy: 'OPERATOR' };
  expect(JSON.parse(stdout)).toMatchObject({
    session: { sessionId: SESSION.sessionId, ended: { ...names, operatorUsername: 'root' } },
    ...{ endEvidence: 'RECORDED', entries: [{ kind: 'OPENED', at: at(0).toISOString() }] },
  });
});

test('explain says that entries were left out', async () => {
  fake.explanation = explanation({ omitsEntries: true });
  expect((await run('explain', SESSION.sessionId)).stdout).toMatch(/were left out/);
});

test('sessions --ended lists ended ones too, page after page, with the end, the reason and by whom', async () => {
  const { userId } = fake.addUser('mia');
  const how = ended(EndEvidence.RECORDED, { ...BY_ROOT, endedAt: at(7) }).session?.ended;
  fake.sessions.push({ ...SESSION, userId }, { ...SESSION, userId, ended: how });
  fake.pageLimit = 1;
  const { stdout } = await run('sessions', 'mia', '--ended');
  const rows = stdout.trimEnd().split('\n');
  const cells = rows.map((line) => line.split(/ {2,}/).slice(-3));
  expect(cells[0]).toEqual(['ENDED', 'REASON', 'BY']);
  expect(cells[2]).toEqual(['2026-01-31T12:07:00Z', 'ENDED_BY_ADMIN', 'root']);
  const requests = fake.calls.filter(({ rpc }) => rpc === 'ListSessions');
  expect(requests.map(({ request }) => request)).toMatchObject([
    { includeEnded: true },
    { includeEnded: true },
  ]);
  expect(JSON.parse((await run('sessions', 'mia', '--ended', '--json')).stdout)).toMatchObject([
    {},
    { ended: { endReason: 'ENDED_BY_ADMIN', endedBy: 'OPERATOR' } },
  ]);
  const without = await run('sessions', 'mia');
  expect(without.stdout).not.toContain('REASON');
  expect(fake.calls.at(-2)?.request).toMatchObject({ includeEnded: false });
});
