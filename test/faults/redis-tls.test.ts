import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { makeCertificate } from '../grpc/support/certificates.ts';
import { eventually } from '../support/eventually.ts';
import { IdentityClient } from '../support/identity-client.ts';
import { LatchkeyProcess } from '../support/latchkey-process.ts';
import { freePort, RedisServer } from '../support/redis-server.ts';

const PASSWORD = 'correct horse battery';
const REDIS_PASSWORD = 's€cret:/@?#%';

let folder: string;
let redis: RedisServer;
let sentinel: RedisServer;
let tlsPort: number;
let sentinelPort: number;
let service: LatchkeyProcess | undefined;

const file = (name: string) => join(folder, name);

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'latchkey-redis-tls-'));
  const ca = makeCertificate('a private CA');
  const { certificate, privateKey } = makeCertificate('redis', ca);
  writeFileSync(file('ca.pem'), ca.certificate);
  writeFileSync(file('cert.pem'), certificate);
  writeFileSync(file('key.pem'), privateKey);
  const certificates = ['--tls-cert-file', file('cert.pem'), '--tls-key-file', file('key.pem')];
  const tls = [...certificates, '--tls-ca-cert-file', file('ca.pem'), '--tls-auth-clients', 'no'];
  const both = ['--bind', '127.0.0.1', '127.0.0.2'];
  tlsPort = await freePort();
  redis = await RedisServer.start('--tls-port', String(tlsPort), ...tls, ...both);
  await redis.with((client) =>
    client.acl('SETUSER', 'latchkey', 'on', `>${REDIS_PASSWORD}`, '~lk:*', '+@all'),
  );
  sentinelPort = await freePort();
  sentinel = await RedisServer.startSentinel(tlsPort, '--tls-port', String(sentinelPort), ...tls);
}, 30_000);

afterAll(async () => {
  await sentinel.stop();
  await redis.stop();
  rmSync(folder, { recursive: true, force: true });
});

afterEach(async () => {
  await service?.stop();
  service = undefined;
});

/** @param trusted whether the operator configured the CA. */
async function start(url: string, trusted = true): Promise<LatchkeyProcess> {
  service = await LatchkeyProcess.start({
    LATCHKEY_REDIS_URL: url,
    LATCHKEY_DATA_DIR: folder,
    LATCHKEY_BOOTSTRAP_PASSWORD: PASSWORD,
    ...(trusted ? { NODE_EXTRA_CA_CERTS: file('ca.pem') } : {}),
  });
  return service;
}

async function signIn(url: string): Promise<void> {
  const { address } = await start(url);
  const client = new IdentityClient(address);
  const { tokens } = await client.login({ password: PASSWORD });
  expect(tokens?.accessToken).toBeTruthy();
  client.close();
}

/** The names and users of the service's connections, and their ports. */
const connections = () =>
  redis.with(async (client) =>
    String(await client.client('LIST'))
      .split('\n')
      .filter((line) => line.includes('name=latchkey:'))
      .map((line) => `${/ laddr=\S*:(\d+)/.exec(line)?.[1]} ${/ user=(\S+)/.exec(line)?.[1]}`),
  );

describe('Redis behind TLS', () => {
  test('is reached by a name in its certificate, as the ACL user of the address', async () => {
    await signIn(`rediss://latchkey:${encodeURIComponent(REDIS_PASSWORD)}@localhost:${tlsPort}`);
    expect(new Set(await connections())).toEqual(new Set([`${tlsPort} latchkey`]));
  });

  test('is reached through sentinels, with TLS on every connection', async () => {
    const credentials = `latchkey:${encodeURIComponent(REDIS_PASSWORD)}`;
    await signIn(`rediss+sentinel://${credentials}@localhost:${sentinelPort}/main`);
    expect(new Set(await connections())).toEqual(new Set([`${tlsPort} latchkey`]));
  });

  test.each([
    ['whose CA is not known', '127.0.0.1', false, 'SELF_SIGNED_CERT_IN_CHAIN'],
    ['whose certificate is for another host', '127.0.0.2', true, 'ERR_TLS_CERT_ALTNAME_INVALID'],
  ])(
    '%s is not used, and the log states the reason',
    async (_, host, trusted, code) => {
      const { log } = await start(`rediss://${host}:${tlsPort}`, trusted);
      await eventually(() => log.some((entry) => JSON.stringify(entry).includes(code)));
      expect(await connections()).toEqual([]);
    },
    30_000,
  );
});
