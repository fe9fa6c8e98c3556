import { describe, expect, test } from '@jest/globals';
import { openPrivateKey, sealPrivateKey } from '../../src/core/keys/key-sealing.ts';
import { MasterKeys } from '../../src/core/keys/master-key.ts';
import { failureOf } from '../support/failing.ts';

const older = Buffer.alloc(32, 1);
const newer = Buffer.alloc(48, 2);
const SECRET = '{"kty":"OKP","d":"ünlikely"}';

describe('master keys', () => {
  test('derive the same keys at every start, each for one use only', () => {
    const [once, again] = [new MasterKeys([older]).newest, new MasterKeys([Buffer.from(older)]).newest];
    expect(again).toEqual(once);
    const derived = [once.sealing, once.refreshMac, once.pepper, once.attemptHash, once.deviceMac];
    expect(new Set(derived.map((key) => key.toString('hex'))).size).toBe(5);
    expect(derived.map((key) => key.length)).toEqual([32, 32, 32, 32, 32]);
    expect(once.id).toMatch(/^[0-9a-f]{8}$/);
  });

  test('always derive the same keys as today', () => {
    const { id, sealing, refreshMac, pepper } = new MasterKeys([older]).newest;
    const beginnings = [sealing, refreshMac, pepper].map((key) => key.toString('hex').slice(0, 16));
    expect([id, ...beginnings]).toEqual([
      '70e2651b',
      '35760fba453580e2',
      '6d8bc52e8a7e5a39',
      'dfb9b42734660cca',
    ]);
  });

  test('have ids, newest first', () => {
    const keys = new MasterKeys([newer, older]);
    const { id } = new MasterKeys([older]).newest;
    expect(keys.newest.id).not.toBe(id);
    expect(keys.byId(id)).toBe(keys.all[1]);
    expect(keys.byId('00000000')).toBeUndefined();
  });

  test('must not be missing or too short', () => {
    expect(() => new MasterKeys([])).toThrow(RangeError);
    expect(() => new MasterKeys([newer, Buffer.alloc(31)])).toThrow(RangeError);
  });
});

describe('a sealed private key', () => {
  const sealed = sealPrivateKey(SECRET, 'key-1', new MasterKeys([older]));

  test('can be opened with the master key that sealed it, also if that is no longer the newest', () => {
    expect(openPrivateKey(sealed, 'key-1', new MasterKeys([older]))).toBe(SECRET);
    expect(openPrivateKey(sealed, 'key-1', new MasterKeys([newer, older]))).toBe(SECRET);
  });

  test('is never the same text twice, and does not contain the private key', () => {
    expect(sealPrivateKey(SECRET, 'key-1', new MasterKeys([older]))).not.toBe(sealed);
    expect(Buffer.from(sealed.slice(12), 'base64url').includes('OKP')).toBe(false);
  });

  test('names the missing master key and its variable', async () => {
    const { id } = new MasterKeys([older]).newest;
    const { reason, message } = await failureOf(() =>
      openPrivateKey(sealed, 'key-1', new MasterKeys([newer])),
    );
    expect(reason).toBe('INTERNAL');
    expect(message).toContain(id);
    expect(message).toContain('LATCHKEY_MASTER_KEY');
    expect(message).toContain('key-1');
  });

  test('cannot be opened under another key id, so records cannot be swapped', async () => {
    const swapped = await failureOf(() => openPrivateKey(sealed, 'key-2', new MasterKeys([older])));
    expect(swapped.message).toContain('key-2');
  });

  test('cannot be opened with any bit changed', async () => {
    const [version, id, payload = ''] = sealed.split('.');
    const bytes = Buffer.from(payload, 'base64url');
    for (let at = 0; at < bytes.length; at += 1) {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ 1;
      const text = `${version}.${id}.${changed.toString('base64url')}`;
      expect(() => openPrivateKey(text, 'key-1', new MasterKeys([older]))).toThrow(
        'changed after it was sealed',
      );
    }
  });

  test.each(['', 'v1..', 'v2.0123abcd.AAAA', 'v1.0123abcd.AAAA', `${sealed}!`, sealed.slice(0, 40)])(
    'of unknown format is refused: %p',
    (text) => {
      expect(() => openPrivateKey(text, 'key-1', new MasterKeys([older]))).toThrow('unknown format');
    },
  );
});
