import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { runCommand } from '../../src/cli/program.ts';
import { connect, EndEvidence, type LatchkeyClient, SessionTimelineKind } from '../../src/client/index.ts';
import { eventually } from '../support/eventually.ts';
import { LatchkeyProcess } from '../support/latchkey-process.ts';
import { RedisServer } from '../support/redis-server.ts';

/** The life of a session, asked of a service on Redis and SQLite with the command and the client. */

const PASSWORD = 'correct horse battery';

let redis: RedisServer;
let folder: string;
let service: LatchkeyProcess;
let client: LatchkeyClient;

beforeEach(async () => {
  redis = await RedisServer.start();
  folder = mkdtempSync(join(tmpdir(), 'latchkey-explain-'));
});

async function start(more: Readonly<Record<string, string>> = {}): Promise<void> {
  service = await LatchkeyProcess.start({
    LATCHKEY_DATA_DIR: join(folder, 'data'),
    LATCHKEY_BOOTSTRAP_PASSWORD: PASSWORD,
    LATCHKEY_BCRYPT_COST: '4',
    LATCHKEY_REDIS_URL: redis.url,
    ...more,
  });
  client = connect(service.address, {
    ...{ credentials: { kind: 'plaintext' }, mode: 'remote' },
    serviceAccount: { username: 'admin', password: PASSWORD },
  });
  await client.users.createUser({ username: 'mia', credential: { $case: 'password', value: PASSWORD } });
}

afterEach(async () => {
  await client.close();
  await service.stop();
  await redis.stop();
  rmSync(folder, { recursive: true });
});

async function latchkey(...args: readonly string[]): Promise<string> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const env = { LATCHKEY_PASSWORD: PASSWORD };
  const { signal } = new AbortController();
  const all = [...args, '--address', service.address];
  const code = await runCommand(all, { env, stdin: Readable.from([]), stdout, stderr, signal });
  stdout.end();
  stderr.end();
  expect([code, await text(stderr)]).toEqual([0, '']);
  return (await text(stdout)).trimEnd();
}

const signIn = () =>
  client.login({
    ...{ username: 'mia', password: PASSWORD, clientId: 'web' },
    device: { deviceId: '', name: 'Firefox on Linux', platform: 'Linux' },
  });
const kindsOf = async (sessionId: string) => {
  const { explanation } = await client.userSessions.explainSession({ sessionId });
  const { endEvidence, entries = [] } = explanation ?? {};
  return { endEvidence, kinds: entries.map(({ kind }) => SessionTimelineKind[kind as never] ?? kind) };
};
const inTrail = (sessionId: string, count: number) =>
  eventually(async () => (await client.audit.listAuditEvents({ sessionId })).events.length >= count, 15_000);

test('the command and the user learn what happened to a session that an operator ended', async () => {
  await start();
  const { session, tokens } = await signIn();
  const { sessionId } = session;
  const refreshed = await client.refresh({ refreshToken: tokens.refreshToken });
  await inTrail(sessionId, 1);
  expect((await kindsOf(sessionId)).kinds).toEqual([
    SessionTimelineKind.OPENED,
    SessionTimelineKind.REFRESHED,
  ]);
  expect(await latchkey('explain', sessionId)).toMatch(
    /\nLiving until \S+Z, with refreshes until \S+Z at the latest\.$/,
  );
  const { accessToken } = refreshed.tokens;
  const own = await client.sessions.explainSession({ sessionId }, { token: accessToken });
  expect(own.explanation?.session).toMatchObject({ sessionId, isCurrent: true });
  await latchkey('sessions', 'end', 'mia', sessionId);
  await inTrail(sessionId, 2);
  expect(await latchkey('explain', sessionId)).toMatch(
    /: an operator ended it \(ENDED_BY_ADMIN, by admin\)\.$/,
  );
  const listed = await latchkey('sessions', 'mia', '--ended');
  expect(listed).toMatch(new RegExp(`\n${sessionId} +Firefox on Linux +Linux +web .*ENDED_BY_ADMIN +admin$`));
  const again = await signIn();
  const mine = { token: again.tokens.accessToken };
  const { sessions } = await client.sessions.listSessions({ includeEnded: true }, mine);
  expect(sessions.map((each) => [each.sessionId, each.ended?.operatorUsername])).toEqual([
    [again.session.sessionId, undefined],
    [sessionId, ''],
  ]);
});

test('a deadline that nobody noticed is told, also after the record is gone, and a wiped Redis is not', async () => {
  const short = {
    ...{ LATCHKEY_SESSION_IDLE_TTL: '2s', LATCHKEY_ACCESS_TOKEN_TTL: '1s' },
    ...{ LATCHKEY_REFRESH_GRACE: '0s', LATCHKEY_MAX_STALENESS: '500ms' },
  };
  await start(short);
  const { session } = await signIn();
  await inTrail(session.sessionId, 1);
  await eventually(async () => Date.now() > session.idleDeadline.getTime(), 5_000);
  expect(await latchkey('explain', session.sessionId)).toMatch(/ its idle deadline \(IDLE\)\.$/);
  expect(await kindsOf(session.sessionId)).toMatchObject({ endEvidence: EndEvidence.RECORDED });
  await redis.with((commands) => commands.del(`lk:{${session.userId}}`));
  expect(await latchkey('explain', session.sessionId)).toMatch(
    /Ended between \S+ and \S+: it was not refreshed before its idle deadline \(IDLE\)\.$/,
  );
  await redis.with((commands) => commands.flushall());
  // The service notices within a round of its follower.
  await eventually(async () => (await kindsOf(session.sessionId)).endEvidence === EndEvidence.LOST, 10_000);
  expect(await latchkey('explain', session.sessionId)).toMatch(/or the session store lost it\.$/);
});
