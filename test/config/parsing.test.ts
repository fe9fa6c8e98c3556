import { describe, expect, test } from '@jest/globals';
import * as v from 'valibot';
import { isLoopback, listenAddress, tcpAddressOrOff } from '../../src/config/listen-address.ts';
import { duration, list, wholeNumber } from '../../src/config/scalars.ts';
import { databaseUrl, redisUrl } from '../../src/config/store-address.ts';
import { masterKeys } from '../../src/config/store-variables.ts';

const problem = { problem: expect.stringMatching(/^must /) };

/** The value that a schema parses from a text, or the first problem. */
function read<T>(schema: v.GenericSchema<string, T>, given: string): { value: T } | { problem: string } {
  const { success, output, issues } = v.safeParse(schema, given);
  return success ? { value: output } : { problem: issues[0].message };
}

describe('a duration', () => {
  test.each([
    ['500ms', 500],
    ['30s', 30_000],
    ['15m', 900_000],
    ['12h', 43_200_000],
    ['7d', 604_800_000],
    ['0s', 0],
  ])('may be %s', (given, value) => {
    expect(read(duration('0s', '30d'), given)).toEqual({ value });
  });

  test.each([
    '',
    '15',
    'm',
    '1.5h',
    '-1s',
    '15 m',
    '15M',
    '1h30m',
    '31d',
    '1e3s',
    '9'.repeat(30).concat('s'),
  ])('must not be "%s"', (given) => {
    expect(read(duration('0s', '30d'), given)).toEqual(problem);
  });
});

describe('a number', () => {
  test('is whole and within its bounds', () => {
    expect(read(wholeNumber(4, 16), '4')).toEqual({ value: 4 });
    for (const given of ['3', '17', '4.0', '+4', ' 4', '0x8', ''])
      expect(read(wholeNumber(4, 16), given)).toEqual(problem);
  });
});

describe('a list', () => {
  test('has parts between commas, none empty and none twice', () => {
    expect(read(list(9), 'a,b')).toEqual({ value: ['a', 'b'] });
    for (const given of ['a,', 'a,,b', 'a,a', 'a,0123456789']) expect(read(list(9), given)).toEqual(problem);
  });
});

describe('an address to listen on', () => {
  test.each([
    ['127.0.0.1:50051', '127.0.0.1', 50051, true],
    ['127.1.2.3:0', '127.1.2.3', 0, true],
    ['localhost:1', 'localhost', 1, true],
    ['[::1]:50051', '::1', 50051, true],
    ['[::ffff:127.0.0.1]:50051', '::ffff:127.0.0.1', 50051, true],
    ['0.0.0.0:50051', '0.0.0.0', 50051, false],
    ['[::]:65535', '::', 65535, false],
    ['id.example.com:443', 'id.example.com', 443, false],
    ['127.0.0.1.example.com:443', '127.0.0.1.example.com', 443, false],
  ])('may be %s', (given, host, port, loopback) => {
    const parsed = read(listenAddress, given);
    expect(parsed).toEqual({ value: { kind: 'tcp', text: given, host, port } });
    expect('value' in parsed && isLoopback(parsed.value)).toBe(loopback);
  });

  test.each([
    '',
    ':50051',
    '127.0.0.1',
    '127.0.0.1:',
    '127.0.0.1:65536',
    '::1:50051',
    '[::g]:1',
    'a b:1',
    'unix:relative',
    'http://localhost:1',
  ])('must not be "%s"', (given) => {
    expect(read(listenAddress, given)).toEqual(problem);
  });

  test('may be off for HTTP, which does not support Unix sockets', () => {
    expect(read(tcpAddressOrOff, 'off')).toEqual({ value: 'off' });
    expect(read(tcpAddressOrOff, 'unix:/run/sock')).toEqual(problem);
  });
});

describe('the address of Redis', () => {
  const open = { tls: false, username: undefined, password: undefined };

  test.each([
    ['redis://localhost', { kind: 'single', ...open, node: { host: 'localhost', port: 6379 }, db: 0 }],
    ['redis://localhost/', { kind: 'single', ...open, node: { host: 'localhost', port: 6379 }, db: 0 }],
    [
      'rediss://lk:p%40ss%3A@[::1]:6380/3',
      {
        kind: 'single',
        tls: true,
        username: 'lk',
        password: 'p@ss:',
        node: { host: '::1', port: 6380 },
        db: 3,
      },
    ],
    [
      'redis://:secret@10.0.0.1:6379',
      { kind: 'single', ...open, password: 'secret', node: { host: '10.0.0.1', port: 6379 }, db: 0 },
    ],
    [
      'redis+sentinel://lk:secret@s1,s2:26380/mymaster',
      {
        kind: 'sentinel',
        tls: false,
        username: 'lk',
        password: 'secret',
        sentinels: [
          { host: 's1', port: 26379 },
          { host: 's2', port: 26380 },
        ],
        master: 'mymaster',
        db: 0,
      },
    ],
    [
      'rediss+cluster://n1:7000,[::1]',
      {
        kind: 'cluster',
        ...open,
        tls: true,
        nodes: [
          { host: 'n1', port: 7000 },
          { host: '::1', port: 6379 },
        ],
      },
    ],
  ])('may be %s', (given, value) => {
    expect(read(redisUrl, given)).toEqual({ value });
  });

  test.each([
    '',
    'localhost:6379',
    'http://localhost',
    'redis://',
    'redis:///0',
    'redis://a,b',
    'redis://localhost/zero',
    'redis://localhost/10000',
    'redis://localhost?db=1',
    'redis://localhost:0',
    'redis://localhost:70000',
    'redis://secret@localhost',
    'redis://user:@localhost',
    'redis://user:%zz@localhost',
    'redis://u:p@ss@localhost',
    'redis+sentinel://a,b',
    'redis+sentinel://a,/master',
    'redis+cluster://a/0',
    'redis+ring://a',
  ])('must not be "%s"', (given) => {
    expect(read(redisUrl, given)).toEqual(problem);
  });
});

describe('the address of PostgreSQL', () => {
  test.each(['postgres://lk:secret@db:5432/latchkey', 'postgresql://db/latchkey?sslmode=verify-full'])(
    'may be %s',
    (given) => {
      expect(read(databaseUrl, given)).toEqual({ value: given });
    },
  );

  test.each([
    '',
    'db',
    'mysql://db/latchkey',
    'postgres://db',
    'postgres://db/',
    'postgres://u:p@/@db/x:y:z ',
  ])('must not be "%s"', (given) => {
    expect(read(databaseUrl, given)).toEqual(problem);
  });
});

describe('the master keys', () => {
  const key = Buffer.alloc(32, 0xff).toString('base64url');

  test('are one or more, newest first', () => {
    expect(read(masterKeys, key)).toEqual({ value: [Buffer.alloc(32, 0xff)] });
    const longer = Buffer.alloc(64, 1);
    expect(read(masterKeys, `${longer.toString('base64url')},${key}`)).toEqual({
      value: [longer, Buffer.alloc(32, 0xff)],
    });
  });

  test.each([
    ['standard base64', Buffer.alloc(32, 0xff).toString('base64')],
    ['padding', `${key}=`],
    ['a space', `${key}, ${key}`],
    ['loose bits at the end', `${key.slice(0, -1)}9`],
    ['31 bytes', Buffer.alloc(31, 1).toString('base64url')],
    ['one that is too short', `${key},${Buffer.alloc(16, 1).toString('base64url')}`],
    ['the same twice', `${key},${key}`],
    ['nothing between commas', `${key},`],
  ])('must not have %s', (_, given) => {
    expect(read(masterKeys, given)).toEqual({
      problem: expect.stringMatching(/^must be base64url of 32 bytes or more \(43 characters/),
    });
  });
});
