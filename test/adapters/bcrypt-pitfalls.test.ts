import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import bcrypt from 'bcrypt';
import { BcryptPool } from '../../src/adapters/bcrypt/bcrypt-pool.ts';
import type { Passwords } from '../../src/core/password/passwords.ts';
import { passwordsWith } from '../support/passwords.ts';

// Each test first shows the behaviour of the library alone, so that the test can fail.

const COST = 4;
let pool: BcryptPool;
let passwords: Passwords;

beforeAll(async () => {
  pool = await BcryptPool.open({ threads: 1 });
  passwords = passwordsWith({ hasher: pool, cost: COST });
});

afterAll(() => pool.close());

async function accepts(password: string, stored: string): Promise<boolean> {
  return (await passwords.check(password, stored)).ok;
}

describe('bcrypt has silent limits, which latchkey handles', () => {
  test('bcrypt reads 72 bytes, but longer passwords are compared completely, also imported ones', async () => {
    const [long, other] = [`${'x'.repeat(72)}a`, `${'x'.repeat(72)}b`];
    const plain = bcrypt.hashSync(long, COST);
    expect(bcrypt.compareSync(other, plain)).toBe(true);

    const stored = await passwords.hash(long);
    expect([await accepts(long, stored), await accepts(other, stored)]).toEqual([true, false]);
    expect(await accepts(other, passwords.importHash(plain))).toBe(false);
  });

  test('bcrypt treats all lone surrogates alike, so none is accepted in a password', async () => {
    const plain = bcrypt.hashSync('surrogate \ud800', COST);
    expect(bcrypt.compareSync('surrogate \udbff', plain)).toBe(true);

    expect(await accepts('surrogate \udbff', passwords.importHash(plain))).toBe(false);
    expect(await accepts('surrogate \ud800', passwords.importHash(plain))).toBe(false);
  });

  test('bcrypt verifies a hash followed by a NUL and more text, so such a hash is refused', async () => {
    const plain = bcrypt.hashSync('a password', COST);
    expect(bcrypt.compareSync('a password', `${plain}\0junk`)).toBe(true);

    expect(await accepts('a password', `${plain}\0junk`)).toBe(false);
    expect(await pool.verify('a password', `${plain}\0junk`, COST)).toBe(false);
    expect(() => passwords.importHash(`${plain}\0junk`)).toThrow(
      expect.objectContaining({ reason: 'INVALID_FIELD' }),
    );
  });

  test('bcrypt does not know the prefix $2y$, but an imported hash with it is verified', async () => {
    const foreign = bcrypt.hashSync('a password', COST).replace('$2b$', '$2y$');
    expect(bcrypt.compareSync('a password', foreign)).toBe(false);

    const stored = passwords.importHash(foreign);
    expect([await accepts('a password', stored), await accepts('another', stored)]).toEqual([true, false]);
  });
});

describe('the threads of libuv', () => {
  test('are free while every bcrypt thread is busy', async () => {
    const busy = await BcryptPool.open({ threads: 5 });
    try {
      const finished: string[] = [];
      const jobs = Array.from({ length: 5 }, async () => {
        await busy.hash('a password', 11);
        finished.push('bcrypt');
      });
      await crypto.subtle.digest('SHA-256', Buffer.from('a token'));
      finished.push('digest');
      await Promise.all(jobs);
      expect(finished[0]).toBe('digest');
    } finally {
      await busy.close();
    }
  });
});

describe('a password hash', () => {
  test('verifies only under the pepper it was made with', async () => {
    const stored = await passwords.hash('a password');
    expect(stored).toMatch(/^\$lk1\$[0-9a-f]{8}\$2b\$04\$/);
    const others = passwordsWith({ hasher: pool, masterKeys: [Buffer.alloc(32, 2)], cost: COST });
    expect(await accepts('a password', stored)).toBe(true);
    expect(await others.check('a password', stored)).toMatchObject({ ok: false, readable: false });
  });

  test('is different each time', async () => {
    expect(await passwords.hash('a password')).not.toBe(await passwords.hash('a password'));
  });
});
