import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { credentials } from '@grpc/grpc-js';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { runCommand } from '../../src/cli/program.ts';
import { AuditEventKind, connect, type LatchkeyClient } from '../../src/client/index.ts';
import { ExternalLoginServiceClient } from '../../src/gen/latchkey/v1/external_login.ts';
import { call, type Outcome } from '../grpc/support/unary-call.ts';
import { eventually } from '../support/eventually.ts';
import { LatchkeyProcess } from '../support/latchkey-process.ts';
import { OidcServer } from '../support/oidc-server.ts';
import { RedisServer } from '../support/redis-server.ts';

const PASSWORD = 'correct horse battery';
const ORIGIN = 'https://login.example.com';

let dataDir: string;
let file: string;
beforeAll(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'latchkey-providers-'));
  file = join(dataDir, 'providers.json');
});
afterAll(() => rmSync(dataDir, { recursive: true, force: true }));

describe('two processes on one Redis, and a real OpenID provider', () => {
  let oidc: OidcServer;
  let redis: RedisServer;
  let services: LatchkeyProcess[];
  let clients: ExternalLoginServiceClient[];
  let admin: LatchkeyClient;
  let accessToken: string;

  beforeAll(async () => {
    oidc = await OidcServer.start(`${ORIGIN}/external/acme/callback`);
    redis = await RedisServer.start();
    const { issuer, clientId } = oidc;
    const acme = {
      type: 'oidc',
      issuer,
      client_id: clientId,
      client_secret_file: 'acme.secret',
      timeout: '2s',
    };
    const away = { type: 'oidc', issuer: 'http://127.0.0.1:2', client_id: clientId, display_name: 'Away' };
    const providers = [
      { name: 'acme', display_name: 'Acme', ...acme },
      { name: 'away', ...away },
    ];
    writeFileSync(file, JSON.stringify({ providers }));
    writeFileSync(join(dataDir, 'acme.secret'), `${oidc.clientSecret}\n`);
    const start = () =>
      LatchkeyProcess.start({
        LATCHKEY_DATA_DIR: join(dataDir, 'data'),
        LATCHKEY_REDIS_URL: redis.url,
        LATCHKEY_BOOTSTRAP_PASSWORD: PASSWORD,
        LATCHKEY_PUBLIC_ORIGIN: ORIGIN,
        LATCHKEY_PROVIDERS_FILE: file,
        LATCHKEY_LOG_LEVEL: 'debug',
      });
    services = [await start(), await start()];
    clients = services.map(
      ({ address }) => new ExternalLoginServiceClient(address, credentials.createInsecure()),
    );
    const account = { username: 'admin', password: PASSWORD };
    const options = { credentials: { kind: 'plaintext' }, mode: 'remote', serviceAccount: account } as const;
    admin = connect(services[0]?.address ?? '', options);
    accessToken = (await admin.login(account)).tokens.accessToken;
  }, 60_000);

  afterAll(async () => {
    await admin.close();
    for (const client of clients) client.close();
    for (const service of services) await service.stop();
    await redis.stop();
    await oidc.stop();
  });

  beforeEach(() => {
    oidc.account = 'ada';
  });

  const client = (index: number) => {
    const one = clients[index];
    if (one === undefined) throw new Error('not started');
    return one;
  };
  const begin = async (index: number, link = false) => {
    const at = client(index);
    const metadata: Record<string, string> = link ? { authorization: `Bearer ${accessToken}` } : {};
    const request = { provider: 'acme', link, origin: undefined };
    return ok(await call(at, at.beginExternalLogin, request, { metadata }));
  };
  const complete = (index: number, callbackQuery: string, flowSecret: string) => {
    const at = client(index);
    return call(at, at.completeExternalLogin, {
      ...{ provider: 'acme', callbackQuery, flowSecret, clientId: 'web', device: undefined },
      ...{ origin: undefined, labels: {}, deviceToken: '', endSessionId: '' },
    });
  };

  test('an unknown account is refused, also with the e-mail address of a user, and once it is linked it signs in at either process', async () => {
    const email = 'ada@example.com';
    await admin.users.createUser({ username: email, credential: { $case: 'password', value: PASSWORD } });
    oidc.claims = { email, email_verified: true, preferred_username: email };
    const stranger = await begin(0);
    const unknown = await complete(0, await oidc.visit(stranger.authorizationUrl), stranger.flowSecret);
    expect(unknown).toMatchObject({ reason: 'IDENTITY_NOT_LINKED' });

    const linking = await begin(0, true);
    const linked = await complete(1, await oidc.visit(linking.authorizationUrl), linking.flowSecret);
    expect(ok(linked).outcome).toMatchObject({
      $case: 'linked',
      value: { provider: 'acme', subject: 'ada' },
    });

    const flow = await begin(1);
    const query = await oidc.visit(flow.authorizationUrl);
    const first = ok(await complete(0, query, flow.flowSecret)).outcome;
    const again = ok(await complete(1, query, flow.flowSecret)).outcome;
    if (first?.$case !== 'signedIn' || again?.$case !== 'signedIn') throw new Error('not signed in');
    expect(again.value.session?.sessionId).toBe(first.value.session?.sessionId);
    expect(again.value.tokens?.refreshToken).toBe(first.value.tokens?.refreshToken);
    const verdict = await admin.validate(first.value.tokens?.accessToken ?? '');
    expect(verdict).toMatchObject({
      kind: 'accepted',
      identity: { sessionId: first.value.session?.sessionId },
    });

    await eventually(async () => {
      const { events } = await admin.audit.listAuditEvents({ kind: AuditEventKind.SIGNED_IN });
      return events.some(({ details }) => details['provider'] === 'acme');
    });
    const { events } = await admin.audit.listAuditEvents({ kind: AuditEventKind.IDENTITY_LINKED });
    expect(events).toMatchObject([{ details: { provider: 'acme', subject: 'ada' }, username: 'admin' }]);
  }, 60_000);

  test('an operator links and unlinks an account on the command line', async () => {
    const run = async (...args: readonly string[]) => {
      const [stdout, stderr] = [new PassThrough(), new PassThrough()];
      const env = { LATCHKEY_PASSWORD: PASSWORD };
      const { signal } = new AbortController();
      const all = ['identities', ...args, '--address', services[0]?.address ?? ''];
      const code = await runCommand(all, { env, stdin: Readable.from([]), stdout, stderr, signal });
      stdout.end();
      stderr.end();
      return { code, text: `${await text(stdout)}${await text(stderr)}` };
    };
    const linked = await run('link', 'admin', 'acme', 'bob', '--name', 'Bob');
    expect(linked).toMatchObject({ code: 0, text: expect.stringMatching(/acme {2,}bob {2,}Bob/) });
    expect((await run('admin')).text).toContain('bob');
    expect(await run('unlink', 'admin', 'acme', 'bob')).toMatchObject({ code: 0 });
    expect(await run('unlink', 'admin', 'acme', 'bob')).toMatchObject({ code: 1 });
    expect((await run('admin', '--json')).text).not.toContain('bob');
  }, 60_000);

  test('a person who refuses, and a provider that is away, are told apart', async () => {
    oidc.account = undefined;
    const flow = await begin(0);
    const refused = await complete(1, await oidc.visit(flow.authorizationUrl), flow.flowSecret);
    expect(refused).toMatchObject({ reason: 'PROVIDER_REFUSED', metadata: { error: 'access_denied' } });
    const at = client(0);
    const away = { provider: 'away', link: false, origin: undefined };
    expect(await call(at, at.beginExternalLogin, away)).toMatchObject({ reason: 'PROVIDER_UNAVAILABLE' });
  }, 60_000);

  test('no log and no key in Redis has the secret of the provider or of a flow', async () => {
    const flow = await begin(0);
    await complete(0, await oidc.visit(flow.authorizationUrl), flow.flowSecret);
    const keys = await redis.with((client) => client.keys('lk:{ext:*'));
    expect(keys.length).toBeGreaterThan(0);
    const stored = await redis.with((client) => Promise.all(keys.map((key) => client.hgetall(key))));
    const texts = [
      JSON.stringify(stored),
      ...services.map(({ log, errors }) => JSON.stringify(log) + errors),
    ];
    for (const each of texts) {
      expect(each).not.toContain(oidc.clientSecret);
      expect(each).not.toContain(flow.flowSecret);
    }
  }, 60_000);
});

test.each([
  ['{', 'it is not JSON'],
  ['{"providers": [{"name": "acme"}]}', 'provider acme: type is missing'],
  [
    '{"providers": [{"name": "w", "type": "wechat", "display_name": "W", "client_id": "wx", "client_secret_file": "no"}]}',
    'provider w: client_secret_file cannot be read: ENOENT',
  ],
])('the service does not start with the list of providers %s', async (content, problem) => {
  writeFileSync(file, content);
  const { code, errors } = await LatchkeyProcess.run({
    LATCHKEY_DATA_DIR: join(dataDir, 'unused'),
    LATCHKEY_PROVIDERS_FILE: file,
  });
  expect(code).not.toBe(0);
  expect(errors).toContain(`LATCHKEY_PROVIDERS_FILE: ${file} cannot be used: ${problem}`);
});

function ok<Response>(outcome: Outcome<Response>): Response {
  if ('ok' in outcome) return outcome.ok;
  throw new Error(JSON.stringify(outcome));
}
