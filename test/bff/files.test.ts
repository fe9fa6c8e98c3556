import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { openBff } from '../../src/bff/bff.ts';
import { makeCertificate } from '../grpc/support/certificates.ts';
import { BARE_PAGES } from './support/bare-pages.ts';
import { CLOCK, configOf } from './support/bff-site.ts';

let folder: string;
const file = (name: string) => path.join(folder, name);

beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'latchkey-bff-files-'));
  for (const name of ['one', 'other']) {
    const { certificate, privateKey } = makeCertificate(name);
    writeFileSync(file(`${name}.crt`), certificate);
    writeFileSync(file(`${name}.key`), privateKey);
  }
  writeFileSync(file('empty'), '');
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const start = (environment: Readonly<Record<string, string>>) =>
  openBff(configOf(environment), { clock: CLOCK, pages: BARE_PAGES });

describe('the BFF does not start', () => {
  test.each([
    [
      'without its certificate',
      'missing',
      'one.key',
      /^LATCHKEY_BFF_TLS_CERT: cannot be read: ENOENT.*missing/,
    ],
    [
      'with a file that is no certificate',
      'empty',
      'one.key',
      /^LATCHKEY_BFF_TLS_CERT: .*empty has no certificate/,
    ],
    ['with a file that is no key', 'one.crt', 'empty', /^LATCHKEY_BFF_TLS_KEY: .*empty has no private key/],
    [
      'with the key of another certificate',
      'one.crt',
      'other.key',
      /^LATCHKEY_BFF_TLS_KEY: .*is not the key of/,
    ],
  ])('%s', async (_which, certificate, key, message) => {
    const started = start({
      LATCHKEY_BFF_TLS_CERT: file(certificate),
      LATCHKEY_BFF_TLS_KEY: file(key),
      LATCHKEY_BFF_COOKIE_KEYS_FILE: file('empty'),
    });
    await expect(started).rejects.toThrow(message);
  });

  test('with an empty file of cookie keys', async () => {
    const started = start({ LATCHKEY_BFF_COOKIE_KEYS_FILE: file('empty') });
    await expect(started).rejects.toThrow(/^LATCHKEY_BFF_COOKIE_KEYS_FILE: .*is empty/);
  });

  test('without the CA of the service', async () => {
    const started = start({ LATCHKEY_BFF_SERVICE_CA: file('missing') });
    await expect(started).rejects.toThrow(/^LATCHKEY_BFF_SERVICE_CA: cannot be read/);
  });

  test('on a port that another program has', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as { readonly port: number };
    const started = start({ LATCHKEY_BFF_LISTEN: `127.0.0.1:${port}` });
    await expect(started).rejects.toThrow(/^LATCHKEY_BFF_LISTEN: listen EADDRINUSE.*another port/);
    taken.close();
    await once(taken, 'close');
  });
});
