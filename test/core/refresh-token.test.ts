import { createHmac, randomBytes } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { RefreshTokens } from '../../src/core/session/refresh-token.ts';
import { ids } from '../support/sessions.ts';

const key = randomBytes(32);
const tokens = new RefreshTokens([key]);
const grant = { userId: ids.next(1_000), sessionId: ids.next(2_000), generation: 7 };

describe('refresh tokens', () => {
  test('contain their grant, and are the same text for the same grant', () => {
    const token = tokens.mint(grant);
    expect(token).toMatch(/^lkr_[A-Za-z0-9_-]{92}$/);
    expect(tokens.verify(token)).toEqual(grant);
    expect(tokens.mint(grant)).toBe(token);
    expect(tokens.mint({ ...grant, generation: 8 })).not.toBe(token);
  });

  test('are refused with any single character changed', () => {
    const token = tokens.mint(grant);
    fc.assert(
      fc.property(fc.nat(token.length - 1), fc.constantFrom(...'Aa0_-=. \u00e9'), (index, letter) => {
        fc.pre(token[index] !== letter);
        expect(tokens.verify(token.slice(0, index) + letter + token.slice(index + 1))).toBeUndefined();
      }),
    );
  });

  test('are refused if they are malformed', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string(), fc.base64String(), fc.string({ minLength: 92, maxLength: 92 })),
        (text) => {
          expect(tokens.verify(text)).toBeUndefined();
          expect(tokens.verify(`lkr_${text}`)).toBeUndefined();
        },
      ),
    );
    const token = tokens.mint(grant);
    for (const other of [`${token}=`, ` ${token}`, token.slice(4), token.toUpperCase(), `${token}\0`]) {
      expect(tokens.verify(other)).toBeUndefined();
    }
  });

  test('of another version are refused, although their MAC is valid', () => {
    const bytes = Buffer.from(tokens.mint(grant).slice(4), 'base64url');
    bytes.writeUInt8(2, 0);
    createHmac('sha256', key).update(bytes.subarray(0, 37)).digest().copy(bytes, 37);
    expect(tokens.verify(`lkr_${bytes.toString('base64url')}`)).toBeUndefined();
  });

  test('made with an older key are accepted, and new ones are made with the newest', () => {
    const rotated = new RefreshTokens([randomBytes(32), key]);
    expect(rotated.verify(tokens.mint(grant))).toEqual(grant);
    expect(tokens.verify(rotated.mint(grant))).toBeUndefined();
    expect(() => new RefreshTokens([])).toThrow(RangeError);
  });
});
