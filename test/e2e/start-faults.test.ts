import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { lockFolder } from '../../src/adapters/files/folder-lock.ts';
import { makeCertificate } from '../grpc/support/certificates.ts';
import { LatchkeyProcess } from '../support/latchkey-process.ts';
import { freePort } from '../support/redis-server.ts';

const SECRET = 'correct-horse-battery';
const masterKey = () => randomBytes(32).toString('base64url');

const PRODUCTION = { LATCHKEY_ENV: 'production', LATCHKEY_BCRYPT_COST: '10' };

describe('a start that fails', () => {
  let folder: string;
  let dataDir: string;
  let opened: (() => unknown)[];

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'latchkey-start-'));
    dataDir = join(folder, 'data');
    opened = [];
  });

  afterEach(async () => {
    for (const close of opened.reverse()) await close();
    rmSync(folder, { recursive: true, force: true });
  });

  const file = (name: string, content: string) => {
    const at = join(folder, name);
    writeFileSync(at, content);
    return at;
  };
  const takenAddress = async () => {
    const taker = createServer();
    await new Promise<void>((resolve) => taker.listen(0, '127.0.0.1', resolve));
    opened.push(() => taker.close());
    return `127.0.0.1:${(taker.address() as AddressInfo).port}`;
  };
  const lostDatabase = async () => ({
    LATCHKEY_DATABASE_URL: `postgres://latchkey:${SECRET}@127.0.0.1:${await freePort()}/latchkey`,
    LATCHKEY_MASTER_KEY: masterKey(),
  });
  /** Its message for people: one line that begins with the variable. */
  const toldOf = async (environment: Record<string, string>) => {
    const { code, errors, log } = await LatchkeyProcess.run({ LATCHKEY_DATA_DIR: dataDir, ...environment });
    expect(code).toBe(1);
    expect(errors).toMatch(/^latchkey: LATCHKEY_\w+: [^\n]+\n$/);
    expect(log.filter(({ level }) => level === 'fatal')).toStrictEqual([]);
    expect(errors + JSON.stringify(log)).not.toContain(SECRET);
    return errors;
  };

  test('because the address is taken names it and LATCHKEY_LISTEN', async () => {
    const address = await takenAddress();
    const errors = await toldOf({ LATCHKEY_LISTEN: address });
    expect(errors).toContain(`LATCHKEY_LISTEN: cannot listen on ${address}`);
    expect(errors).toContain('address already in use');
    expect(errors).toContain('Choose another port');
    expect(errors).not.toContain('No address added');
  }, 30_000);

  test('because the address is of another machine names it and LATCHKEY_LISTEN', async () => {
    const errors = await toldOf({
      LATCHKEY_ENV: 'development',
      LATCHKEY_LISTEN: '192.0.2.1:50051',
      LATCHKEY_CALLER_AUTH: 'open',
      LATCHKEY_PLAINTEXT: 'anywhere',
    });
    expect(errors).toContain('LATCHKEY_LISTEN: cannot listen on 192.0.2.1:50051');
    expect(errors).toContain('Choose an address of this machine');
  }, 30_000);

  test('because the metrics address is taken names LATCHKEY_METRICS_LISTEN, which may be off', async () => {
    const address = await takenAddress();
    const errors = await toldOf({ LATCHKEY_METRICS_LISTEN: address });
    expect(errors).toContain(`LATCHKEY_METRICS_LISTEN: cannot listen on ${address}`);
    expect(errors).toContain('off');
  }, 30_000);

  test.each(['1', '2'])(
    'is reported only in the log in production (%s workers)',
    async (workers) => {
      const { code, errors, log } = await LatchkeyProcess.run({
        ...{ ...PRODUCTION, LATCHKEY_WORKERS: workers },
        ...{ LATCHKEY_REDIS_URL: 'redis://127.0.0.1:1', LATCHKEY_DATA_DIR: file('data', '') },
      });
      expect(code).toBe(1);
      expect(errors).toBe('');
      const fatal = log.filter(({ level }) => level === 'fatal');
      expect(fatal).toMatchObject([{ err: { message: expect.stringMatching(/^LATCHKEY_DATA_DIR: /) } }]);
    },
    30_000,
  );

  test('is reported on standard error if there is no log', async () => {
    const { code, errors } = await LatchkeyProcess.run({
      ...{ ...PRODUCTION, LATCHKEY_LOG_LEVEL: 'silent', LATCHKEY_DATA_DIR: file('data', '') },
    });
    expect(code).toBe(1);
    expect(errors).toMatch(/^latchkey: LATCHKEY_DATA_DIR: [^\n]+\n$/);
  }, 30_000);

  test('because the database is unavailable names LATCHKEY_DATABASE_URL, and never the password', async () => {
    const errors = await toldOf(await lostDatabase());
    expect(errors).toContain('LATCHKEY_DATABASE_URL: PostgreSQL cannot be used: connect ECONNREFUSED');
  }, 30_000);

  test('creates no data folder that it does not need', async () => {
    await toldOf({
      ...(await lostDatabase()),
      LATCHKEY_REDIS_URL: 'redis://127.0.0.1',
    });
    expect(existsSync(dataDir)).toBe(false);
  }, 30_000);

  test('because the data folder is a file names LATCHKEY_DATA_DIR', async () => {
    const path = file('data', '');
    expect(await toldOf({})).toContain(`LATCHKEY_DATA_DIR: ${path} is not a folder`);
  }, 30_000);

  test('because another process uses the data folder does not change the database', async () => {
    opened.push(lockFolder(folder, 'Stop it.'));
    const errors = await toldOf({ LATCHKEY_DATA_DIR: folder });
    expect(errors).toContain('LATCHKEY_DATA_DIR: Another process');
    expect(existsSync(join(folder, 'latchkey.db'))).toBe(false);
  }, 30_000);

  test('because a TLS file is missing names its variable and its path', async () => {
    const { certificate } = makeCertificate('localhost');
    const key = join(folder, 'missing.key');
    const errors = await toldOf({
      LATCHKEY_TLS_CERT: file('tls.crt', certificate),
      LATCHKEY_TLS_KEY: key,
    });
    expect(errors).toContain(`LATCHKEY_TLS_KEY: ${key} does not exist`);
  }, 30_000);

  test('because the TLS key is of another certificate names LATCHKEY_TLS_KEY and both files', async () => {
    const certificate = file('tls.crt', makeCertificate('localhost').certificate);
    const key = file('tls.key', makeCertificate('localhost').privateKey);
    const errors = await toldOf({ LATCHKEY_TLS_CERT: certificate, LATCHKEY_TLS_KEY: key });
    expect(errors).toContain(`LATCHKEY_TLS_KEY: ${key}: the private key does not match`);
    expect(errors).toContain(certificate);
  }, 30_000);

  test('because a master key is missing names its id and LATCHKEY_MASTER_KEY', async () => {
    const first = await LatchkeyProcess.start({
      LATCHKEY_DATA_DIR: dataDir,
      LATCHKEY_MASTER_KEY: masterKey(),
    });
    await first.stop();
    const errors = await toldOf({ LATCHKEY_MASTER_KEY: masterKey() });
    expect(errors).toMatch(/LATCHKEY_MASTER_KEY: .* the master key [0-9a-f]{8}, which is not in/);
  }, 30_000);
});
