import { spawn } from 'node:child_process';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Failure, invalidField, storeUnavailable } from '../../src/core/failure.ts';
import { DeviceLimitAction, DevicePolicyKind } from '../../src/gen/latchkey/admin/v1/user.ts';
import { COMPILE_CACHE } from '../support/compile-cache.ts';
import { ADMIN, FakeLatchkey } from '../support/fake-latchkey.ts';
import { fakeSession } from '../support/fake-session.ts';

const root = path.resolve(import.meta.dirname, '../..');

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

let fake: FakeLatchkey;

beforeEach(async () => {
  fake = await FakeLatchkey.start();
});

afterEach(() => {
  fake.close();
});

interface Given {
  readonly stdin?: string;
  readonly env?: Record<string, string>;
}

/** Runs the command like a shell. By default it signs in as the fake's admin. */
async function latchkey(args: readonly string[], { stdin = '', env }: Given = {}): Promise<Ended> {
  const child = spawn(path.join(root, 'node_modules/.bin/node'), ['src/cli/main.ts', ...args], {
    cwd: root,
    env: {
      ...COMPILE_CACHE,
      LATCHKEY_ADDRESS: fake.address,
      ...(env ?? { LATCHKEY_PASSWORD: ADMIN.password }),
    },
  });
  child.stdin.end(stdin);
  const code = new Promise<number | null>((resolve) => child.once('close', resolve));
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { code: await code, stdout, stderr };
}

describe('users', () => {
  test('create reads the password from standard input, and signs in and out around it', async () => {
    const args = ['users', 'create', 'mia', '--role', 'ops', '--role', 'billing', '--password-stdin'];
    const { code, stdout, stderr } = await latchkey(args, { stdin: 'a long enough one\n' });
    expect(stderr).toBe('');
    expect(code).toBe(0);
    expect(stdout).toMatch(/USERNAME +ROLES/);
    expect(stdout).toMatch(/ mia +ops,billing +enabled /);
    expect(fake.rpcs).toStrictEqual(['Login', 'CreateUser', 'Logout']);
    expect(fake.calls[1]?.request).toStrictEqual({
      username: 'mia',
      roles: ['ops', 'billing'],
      credential: { $case: 'password', value: 'a long enough one' },
    });
    expect(fake.calls[2]?.request).toStrictEqual({ token: { $case: 'refreshToken', value: 'lkr_of-admin' } });
  });

  test('create --generate prints the password, and no other command does', async () => {
    const { stdout } = await latchkey(['users', 'create', 'mia', '--generate', '--json']);
    const { username, password } = JSON.parse(stdout) as { username: string; password: string };
    expect(username).toBe('mia');
    expect(password).toMatch(/^[\w-]{20}$/);
    expect(fake.calls[1]?.request).toMatchObject({ credential: { value: password } });
    expect((await latchkey(['users', 'get', 'mia', '--json'])).stdout).not.toContain('password":');
  });

  test('create --password-hash imports a hash from another system', async () => {
    const hash = '$2b$10$abcdefghijklmnopqrstuuO9Q5dYhXGwGm0b0n6n6Z7G8J1K2L3M4';
    expect((await latchkey(['users', 'create', 'mia', '--password-hash', hash])).code).toBe(0);
    expect(fake.calls[1]?.request).toMatchObject({ credential: { $case: 'passwordHash', value: hash } });
    const fromStdin = ['users', 'create', 'ben', '--password-hash-stdin'];
    expect((await latchkey(fromStdin, { stdin: `${hash}\n` })).code).toBe(0);
    expect(fake.calls[4]?.request).toMatchObject({ credential: { $case: 'passwordHash', value: hash } });
  });

  test('list reads every page', async () => {
    fake.pageLimit = 2;
    for (const name of ['ann', 'ben', 'cleo', 'dan', 'eve']) fake.addUser(name);
    const { stdout } = await latchkey(['users', 'list', '--json']);
    const names = (JSON.parse(stdout) as { username: string }[]).map(({ username }) => username);
    expect(names).toStrictEqual(['ann', 'ben', 'cleo', 'dan', 'eve']);
    expect(fake.rpcs.filter((rpc) => rpc === 'ListUsers')).toHaveLength(3);
  });

  test('are found by name and by id, and role changes are based on the current roles', async () => {
    const { userId } = fake.addUser('mia', { roles: ['ops', 'billing'], etag: '7' });
    await latchkey(['users', 'update', userId, '--add-role', 'admin', '--remove-role', 'billing']);
    expect(fake.calls[1]?.request).toStrictEqual({ key: { $case: 'userId', value: userId } });
    expect(fake.calls[2]?.request).toStrictEqual({
      userId,
      username: '',
      roles: ['ops', 'admin'],
      devicePolicy: undefined,
      updateMask: ['roles'],
      etag: '7',
    });
    await latchkey(['users', 'update', 'mia', '--rename', 'mia.m']);
    expect(fake.users.get(userId)).toMatchObject({ username: 'mia.m', roles: ['ops', 'admin'] });
  });

  test('get a device policy and lose it again', async () => {
    const { userId } = fake.addUser('mia');
    const given = ['--device-policy', 'limit', '--max-sessions', '3', '--at-limit', 'refuse'];
    const { stdout } = await latchkey(['users', 'update', 'mia', ...given]);
    expect(stdout).toContain('limit 3, refuse');
    const policy = { kind: DevicePolicyKind.LIMIT, maxSessions: 3, limitAction: DeviceLimitAction.REFUSE };
    expect(fake.users.get(userId)?.devicePolicy).toEqual(policy);
    const one = await latchkey(['users', 'update', 'mia', '--device-policy', 'one', '--json']);
    expect(JSON.parse(one.stdout)).toMatchObject({ userId, devicePolicy: 'one, replace' });
    await latchkey(['users', 'update', 'mia', '--device-policy', 'default']);
    expect(fake.users.get(userId)?.devicePolicy).toBeUndefined();
  });

  test('are disabled, enabled, given a password and deleted', async () => {
    const { userId } = fake.addUser('mia');
    expect((await latchkey(['users', 'disable', 'mia'])).stdout).toContain(
      'disabled since 2026-01-01T00:00:00Z',
    );
    expect((await latchkey(['users', 'enable', 'mia'])).stdout).toContain('enabled');
    await latchkey(['users', 'set-password', 'mia', '--password-stdin'], { stdin: 'new one 123' });
    const set = fake.calls.find(({ rpc }) => rpc === 'SetPassword');
    expect(set?.request).toStrictEqual({ userId, password: 'new one 123' });
    expect((await latchkey(['users', 'delete', 'mia', '--yes'])).code).toBe(0);
    expect(fake.users.size).toBe(0);
  });

  test('have their limits of failed sign-ins lifted', async () => {
    const { userId } = fake.addUser('mia');
    const { code, stdout } = await latchkey(['users', 'lift-limits', 'mia']);
    expect(code).toBe(0);
    expect(stdout).toContain(userId);
    expect(fake.rpcs).toStrictEqual(['Login', 'GetUser', 'LiftLoginLimits', 'Logout']);
    expect(fake.calls[2]?.request).toStrictEqual({ userId });
  });

  test('are printed without control characters', async () => {
    fake.addUser('mia\u001b[2J\u202e');
    const { stdout } = await latchkey(['users', 'list']);
    expect(stdout).toContain('mia\uFFFD[2J\uFFFD');
  });
});

describe('sessions', () => {
  const instant = new Date(Date.UTC(2026, 0, 2));
  const addSession = (userId: string, given: Partial<ReturnType<typeof fakeSession>> = {}) =>
    fake.sessions.push({ ...fakeSession(instant), userId, ...given });

  test('of a user are listed, every page of them, as a table and as JSON', async () => {
    const { userId } = fake.addUser('mia');
    fake.pageLimit = 1;
    const device = { deviceId: 'd', name: 'Chrome 142 on Windows\u001b[2J', platform: 'Windows' };
    const labels = { app_version: '5.2', store: 'eu' };
    addSession(userId, { device, labels, latestIpAddress: '198.51.100.23' });
    addSession(userId, { sessionId: '019b7600-0000-7000-8000-0000000000f3', isNewDevice: true });
    addSession(fake.addUser('ben').userId, { sessionId: '019b7600-0000-7000-8000-0000000000f4' });
    const { stdout, stderr, code } = await latchkey(['sessions', 'mia']);
    expect([stderr, code]).toEqual(['', 0]);
    const [head, first, second, ...rest] = stdout.trimEnd().split('\n');
    expect(head).toMatch(/^SESSION +DEVICE +PLATFORM +CLIENT +ADDRESS +SIGNED IN +LAST SEEN +ENDS +LABELS$/);
    expect(first).toMatch(
      /Chrome 142 on Windows\uFFFD\[2J +Windows +- +127.0.0.1 > 198.51.100.23 +2026-01-02T/,
    );
    expect(first).toMatch(/ app_version=5.2 store=eu$/);
    expect(second).toMatch(/^019b7600-0000-7000-8000-0000000000f3 +- \(new\) +- +- +127.0.0.1 +2026/);
    expect(rest).toEqual([]);
    expect(fake.rpcs).toEqual(['Login', 'GetUser', 'ListSessions', 'ListSessions', 'Logout']);
    const listed = JSON.parse((await latchkey(['sessions', 'list', 'mia', '--json'])).stdout) as object[];
    expect(listed).toMatchObject([{ device, labels }, { sessionId: '019b7600-0000-7000-8000-0000000000f3' }]);
  });

  test('end one by one, and all at once', async () => {
    const { userId } = fake.addUser('mia');
    const sessionId = '019b7600-0000-7000-8000-0000000000f3';
    expect((await latchkey(['sessions', 'end', 'mia', sessionId])).stdout).toContain(sessionId);
    expect(fake.calls[2]).toMatchObject({ rpc: 'EndSession', request: { userId, sessionId } });
    expect((await latchkey(['sessions', 'end', 'mia', '--all', '--json'])).stdout).toContain(
      '"ended": "all"',
    );
    expect(fake.calls[6]).toMatchObject({ rpc: 'EndAllSessions', request: { userId } });
  });

  test.each([[[]], [['--all', '019b7600-0000-7000-8000-0000000000f3']]])(
    'do not end unless exactly one of a session and --all is named: %j',
    async (words) => {
      const { code, stderr } = await latchkey(['sessions', 'end', 'mia', ...words]);
      expect([code, stderr]).toEqual([2, expect.stringContaining('Pass the id of a session, or --all')]);
      expect(fake.calls).toEqual([]);
    },
  );
});

describe('keys', () => {
  test('are listed and rotated, with their state', async () => {
    expect((await latchkey(['keys', 'list'])).stdout).toMatch(
      /EdDSA +SIGNING +2026-01-01T00:00:00Z +- +- +0a1b2c3d\n/,
    );
    const { stdout } = await latchkey(['keys', 'rotate', '--json']);
    expect(JSON.parse(stdout)).toMatchObject({ state: 'PUBLISHED', algorithm: 'EdDSA' });
  });
});

describe('signing in', () => {
  test('reads the password from standard input if the environment has none', async () => {
    const { code } = await latchkey(['users', 'list'], { env: {}, stdin: `${ADMIN.password}\n` });
    expect(code).toBe(0);
  });

  test('is skipped with a token', async () => {
    const env = { LATCHKEY_TOKEN: 'access-token-of-admin' };
    expect((await latchkey(['users', 'list'], { env })).code).toBe(0);
    expect(fake.rpcs).toStrictEqual(['ListUsers']);
  });

  test('is followed by signing out after a failure', async () => {
    const { code } = await latchkey(['users', 'get', 'nobody']);
    expect(code).toBe(1);
    expect(fake.rpcs).toStrictEqual(['Login', 'GetUser', 'Logout']);
  });

  test('succeeds even if signing out fails, and reports that', async () => {
    fake.failures.set('Logout', new Failure('END_UNCONFIRMED', 'Repeat the call.'));
    const { code, stderr } = await latchkey(['users', 'list']);
    expect(code).toBe(0);
    expect(stderr).toBe('latchkey: could not end the session of this command: Repeat the call.\n');
  });
});

describe('an error', () => {
  test('of the service is printed with reason, fields and metadata, and the exit code is 1', async () => {
    const violations = [{ field: 'username', description: 'must not have spaces' }];
    const details = { violations, metadata: { store: 'users' }, retryAfterMs: 1_500 };
    fake.failures.set('CreateUser', new Failure('INVALID_FIELD', 'A field is wrong.', details));
    const { code, stdout, stderr } = await latchkey(['users', 'create', 'm i a', '--generate']);
    expect({ code, stdout, stderr }).toStrictEqual({
      code: 1,
      stdout: '',
      stderr: [
        'latchkey: INVALID_FIELD: A field is wrong.',
        '  username: must not have spaces',
        '  store: users',
        '  try again in 2 s',
        '',
      ].join('\n'),
    });
  });

  test('of a wrong password has exit code 1, and nothing is signed out', async () => {
    const { code, stderr } = await latchkey(['users', 'list'], { env: { LATCHKEY_PASSWORD: 'wrong' } });
    expect(code).toBe(1);
    expect(stderr).toMatch(/^latchkey: INVALID_CREDENTIALS: /);
    expect(fake.rpcs).toStrictEqual(['Login']);
  });

  test('of an unresponsive service has exit code 3 and names the address', async () => {
    const { address } = fake;
    fake.close();
    const { code, stderr } = await latchkey(['users', 'list', '--address', address]);
    expect(code).toBe(3);
    expect(stderr).toContain(`latchkey: no answer from ${address}: nothing listens there\n`);
  });

  test('of an unavailable store has exit code 3 too', async () => {
    fake.failures.set('ListUsers', storeUnavailable('users', undefined));
    const { code, stderr } = await latchkey(['users', 'list']);
    expect(code).toBe(3);
    expect(stderr).toContain('STORE_UNAVAILABLE');
  });

  test('of a field is printed once if the message already contains it', async () => {
    fake.failures.set('CreateUser', invalidField('username', 'must not have spaces'));
    const { stderr } = await latchkey(['users', 'create', 'm i a', '--generate']);
    expect(stderr).toBe('latchkey: INVALID_FIELD: username: must not have spaces\n');
  });

  test.each([
    [['users', 'nonsense'], 'unknown command'],
    [['users', 'create', 'mia'], '--password-stdin or --generate'],
    [['users', 'create', 'mia', '--generate', '--password-stdin'], 'cannot be used with'],
    [['users', 'create', 'mia', '--generate', '--password-hash-stdin'], 'cannot be used with'],
    [['users', 'update', 'mia'], 'Nothing to change'],
    [['users', 'update', 'mia', '--role', 'ops'], '--add-role or --remove-role'],
    [['users', 'update', 'mia', '--max-sessions', '3'], 'need --device-policy'],
    [['users', 'update', 'mia', '--device-policy', 'limit'], '--device-policy limit needs --max-sessions'],
    [['users', 'update', 'mia', '--device-policy', 'some'], 'Allowed choices are unlimited'],
    [['users', 'update', 'mia', '--device-policy', 'unlimited', '--at-limit', 'refuse'], 'has no limit'],
    [['users', 'delete', 'mia'], '--yes'],
    [['users', 'list', '--cert', 'own.pem'], '--cert and --key must be set together'],
    [['users', 'list', '--ca', '/no/such/file'], 'no such file'],
    [['users', 'list', '--ca', 'package.json'], 'latchkey: --ca is not a certificate in PEM form'],
    [['users', 'list', '--ca', 'package.json', '--plaintext'], 'cannot be used with'],
  ])('of usage (%j) has exit code 2, and the service is not called', async (args, said) => {
    const { code, stderr } = await latchkey(args);
    expect(stderr).toContain(said);
    expect(code).toBe(2);
    expect(fake.rpcs).toStrictEqual([]);
  });

  test('of --username instead of --rename names the right command', async () => {
    fake.addUser('mia');
    const { code, stderr } = await latchkey(['users', 'update', 'mia', '--username', 'mia.m']);
    expect(stderr).toBe(
      'latchkey: Nothing to change: --username sets who signs in. To rename the user: users update mia --rename mia.m\n',
    );
    expect(code).toBe(2);
    expect(fake.rpcs).toStrictEqual([]);
  });

  test('of two passwords on one standard input is a usage error', async () => {
    const args = ['users', 'create', 'mia', '--password-stdin'];
    const { code, stderr } = await latchkey(args, { env: {}, stdin: 'one' });
    expect(code).toBe(2);
    expect(stderr).toContain('LATCHKEY_PASSWORD');
  });

  test('does not occur when help is requested', async () => {
    const { code, stdout } = await latchkey(['--help']);
    expect(code).toBe(0);
    expect(stdout).toContain('LATCHKEY_TOKEN');
  });

  test('does not occur when the version is requested', async () => {
    const { code, stdout } = await latchkey(['--version']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});
