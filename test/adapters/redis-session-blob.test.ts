import { createHash } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { CURRENT_DICTIONARY, dictionary } from '../../src/adapters/redis/blob-dictionary.ts';
import { decodeFixed, encodeFixed, type FixedPart } from '../../src/adapters/redis/session-blob.ts';
import { deviceMark, parseSession, storedSession } from '../../src/adapters/redis/session-record.ts';
import { aSession } from '../support/sessions.ts';

const text = (maxLength: number) => fc.string({ unit: 'binary', maxLength });

const ODD_ADDRESSES = [
  ...[
    '',
    '1.2.3',
    '01.2.3.4',
    '::',
    '::1',
    '1::',
    '1:0:0:2::',
    '2001:DB8::1',
    '2001:db8::0001',
    '0:0:0:0:0:0:0:1',
  ],
  ...['::ffff:1.2.3.4', '::ffff:102:304', 'fe80::1%eth0', '2001:db8:0:1:1:1:1:1', '1:0:0:2:0:0:0:3', 'unix'],
];

const fixedParts: fc.Arbitrary<FixedPart> = fc.record({
  clientId: text(64),
  device: fc.record({
    deviceId: fc.oneof(
      text(64),
      fc.uuid(),
      fc.uuid().map((uuid) => uuid.toUpperCase()),
      fc.constant(''),
    ),
    name: text(256),
    platform: text(64),
  }),
  ipAddress: fc.oneof(fc.ipV4(), fc.ipV6(), text(45), fc.constantFrom(...ODD_ADDRESSES)),
  authenticationMethods: fc.array(text(16), { maxLength: 4 }),
});

const CHROME: FixedPart = {
  clientId: 'web',
  device: {
    deviceId: '3f0c9a52-7d1e-4b68-9c34-0a1b2c3d4e5f',
    name: 'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36',
    platform: 'Windows',
  },
  ipAddress: '203.0.113.7',
  authenticationMethods: ['pwd'],
};

const TV: FixedPart = {
  clientId: 'tv',
  device: {
    deviceId: 'set-top-1',
    name: 'Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36',
    platform: 'Android',
  },
  ipAddress: '::ffff:192.0.2.7',
  authenticationMethods: ['pwd', 'otp'],
};

describe('what never changes of a session', () => {
  test('comes back to the letter, whatever it is, from pieces that stay compact', () => {
    fc.assert(
      fc.property(fixedParts, (fixed) => {
        const pieces = encodeFixed(fixed);
        for (const piece of pieces) expect(piece).toMatch(/^[\w-]{1,64}$/);
        expect(decodeFixed(pieces)).toEqual(fixed);
        expect(decodeFixed(pieces)).toEqual(fixed);
      }),
      { numRuns: 1_000 },
    );
  });

  test('is one piece for a browser’s session with a UUID and an IP address', () => {
    expect(encodeFixed(CHROME)).toHaveLength(1);
    expect(encodeFixed({ ...CHROME, ipAddress: '2001:db8:85a3:8d3:1319:8a2e:370:7348' })).toHaveLength(1);
  });

  test.each([
    ['with an IPv4 address', 'AQM_DJpSfR5LaJw0ChssPU5fywBxBxtkbleKBQA', CHROME],
    [
      'with an IPv6 address',
      'AQU_DJpSfR5LaJw0ChssPU5fIAENuAAAAAAAAAAAAAAABxtkbleKBQA',
      { ...CHROME, ipAddress: '2001:db8::7' },
    ],
    ['with everything as text', 'AQCjSVwbERvXoHoFzaXFqSW6JfkFuqDQtrJKS0tLszK0BBlopGeuFAsA', TV],
  ])('is read as it was stored by version 0.1.0, %s', (_what, piece, fixed) => {
    expect(decodeFixed([piece])).toEqual(fixed);
  });

  test('is stored with dictionaries that never change', () => {
    const hashes = Array.from({ length: CURRENT_DICTIONARY }, (_, index) =>
      createHash('sha256')
        .update(dictionary(index + 1))
        .digest('hex'),
    );
    expect(hashes).toEqual(['869ac5a8f2b858ca075dfacfd2cbd3a25ed0e39e4b1dd072e233cbf772e6d868']);
  });

  test('is refused where it needs the dictionary of a later release, or has lost a piece', () => {
    const later = Buffer.from([CURRENT_DICTIONARY + 1, 0, 1, 2, 3]).toString('base64url');
    expect(() => decodeFixed([later])).toThrow(/dictionary 2/);
    const session = aSession(Date.UTC(2026, 0, 1), { clientId: 'c'.repeat(9) });
    const { record, pieces } = storedSession(session);
    expect(parseSession(session.userId, session.sessionId, { record, pieces })).toEqual(session);
    expect(() =>
      parseSession(session.userId, session.sessionId, { record, pieces: pieces.slice(1) }),
    ).toThrow(/lacks a piece/);
  });
});

describe('the mark of client and device', () => {
  const mark = (clientId: string, deviceId: string) =>
    deviceMark({ clientId, device: { deviceId, name: '', platform: '' } });

  test('is the same for the same two, and for no others', () => {
    const pairs = fc.tuple(fc.string({ maxLength: 4 }), fc.string({ minLength: 1, maxLength: 4 }));
    fc.assert(
      fc.property(pairs, pairs, (one, other) => {
        const areSame = one[0] === other[0] && one[1] === other[1];
        expect(mark(...one) === mark(...other)).toBe(areSame);
        expect(mark(...one)).toBe(mark(...one));
      }),
    );
    expect(mark('web', 'a')).not.toBe(mark('we', 'ba'));
  });

  test('is missing where the device has no id', () => {
    expect(mark('web', '')).toBe('');
  });
});
