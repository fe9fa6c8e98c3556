import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { quickStart } from '../../src/quick-start.ts';
import { makeCertificate } from '../grpc/support/certificates.ts';
import { LatchkeyProcess } from '../support/latchkey-process.ts';

const ROOT = new URL('../..', import.meta.url).pathname;

let dataDir: string;
let service: LatchkeyProcess;

beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'latchkey-quick-start-'));
  service = await LatchkeyProcess.start({ LATCHKEY_DATA_DIR: dataDir });
}, 30_000);

afterAll(async () => {
  await service.stop();
  rmSync(dataDir, { recursive: true, force: true });
});

/** The output of a shell for pasted lines. */
async function paste(lines: string): Promise<string> {
  const environment = { ...process.env, PATH: `${join(ROOT, 'node_modules/.bin')}:${process.env['PATH']}` };
  const shell = spawn('bash', ['-c', lines], {
    cwd: ROOT,
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [shell.stdout, shell.stderr]) {
    stream.on('data', (text) => {
      said += String(text);
    });
  }
  await once(shell, 'close');
  return said;
}

const commandsAfter = (heading: string, of = service) =>
  (of.errors.split(heading)[1] ?? '')
    .split('\n')
    .slice(1)
    .filter((line) => line.startsWith('  '))
    .join('\n');

describe('the quick-start commands', () => {
  test('can be pasted: sign in, validate, refresh, sign out, and be refused', async () => {
    const said = await paste(commandsAfter('or with buf, from this folder:'));
    const [login = '', validated = '', refreshed = '', loggedOut = '', refused = ''] = said
      .split(/(?<=^\}\n)/m)
      .map((answer) => answer.trim());
    expect(login).toContain('"refreshToken"');
    expect(validated).toContain('"identity"');
    expect(refreshed).toContain('"refreshToken"');
    expect(loggedOut).toContain('"revision"');
    expect(refused).toContain('REJECTION_REASON_SESSION_ENDED');
    expect(refused).toContain('END_REASON_LOGGED_OUT');
  }, 60_000);

  test('have the same rpcs and data for grpcurl', () => {
    const callsOf = (heading: string) => commandsAfter(heading).match(/-d "[^ ]+"|IdentityService\/\w+/g);
    expect(callsOf('with grpcurl:')?.slice(0, 10)).toEqual(callsOf('or with buf, from this folder:'));
  });

  test('use this machine if the service listens on all addresses', () => {
    const common = { address: '0.0.0.0:50051', username: 'root', callerToken: false, tls: undefined };
    expect(quickStart({ ...common, password: 'x' })).toContain(
      '127.0.0.1:50051 latchkey.v1.IdentityService/Login',
    );
  });

  test('ask for an unknown password', () => {
    const common = { address: '127.0.0.1:50051', username: 'root', callerToken: false, tls: undefined };
    expect(quickStart({ ...common, password: undefined })).toContain(
      'with the password of root in the first line',
    );
  });

  test("also work if Validate requires the caller's own token", async () => {
    const guarded = await LatchkeyProcess.start({
      LATCHKEY_DATA_DIR: join(dataDir, 'guarded'),
      LATCHKEY_CALLER_AUTH: 'token',
    });
    const said = await paste(commandsAfter('or with buf, from this folder:', guarded));
    await guarded.stop();
    expect(said).toContain('"identity"');
    expect(said).toContain('END_REASON_LOGGED_OUT');
    expect(said).not.toContain('CALLER_');
  }, 60_000);
});

describe('the quick-start commands with TLS', () => {
  const file = (name: string, content: string) => {
    const at = join(dataDir, name);
    writeFileSync(at, content);
    return at;
  };
  const start = async (environment: Record<string, string>) => {
    const authority = makeCertificate('an authority');
    const { certificate, privateKey } = makeCertificate('localhost', authority);
    return LatchkeyProcess.start({
      LATCHKEY_DATA_DIR: join(dataDir, 'tls'),
      LATCHKEY_BOOTSTRAP_PASSWORD: 'correct horse battery',
      LATCHKEY_TLS_CERT: file('tls.crt', certificate),
      LATCHKEY_TLS_KEY: file('tls.key', privateKey),
      ...environment,
    });
  };
  const withPassword = (commands: string) =>
    commands.replace('the password of admin', 'correct horse battery');

  test('can be pasted too, and trust the certificate of the service', async () => {
    const secured = await start({});
    const said = await paste(withPassword(commandsAfter('or with buf, from this folder:', secured)));
    const grpcurl = commandsAfter('with grpcurl:', secured).match(/grpcurl [^$]+-d/g) ?? [];
    await secured.stop();
    expect(said).toContain('"identity"');
    expect(said).toContain('END_REASON_LOGGED_OUT');
    expect(new Set(grpcurl)).toEqual(new Set([`grpcurl -cacert '${join(dataDir, 'tls.crt')}' -d`]));
  }, 60_000);

  test('ask for your own certificate if one is required', async () => {
    const own = makeCertificate('billing');
    const secured = await start({ LATCHKEY_TLS_CLIENT_CA: file('clients.crt', own.certificate) });
    const commands = withPassword(commandsAfter('or with buf, from this folder:', secured))
      .replace('the file of your certificate', file('own.crt', own.certificate))
      .replace('the file of its key', file('own.key', own.privateKey));
    const said = await paste(commands);
    await secured.stop();
    expect(secured.errors).toContain(
      ', with the password of admin in the first line, and your certificate and its key in the second line',
    );
    expect(said).toContain('END_REASON_LOGGED_OUT');
    expect(commandsAfter('with grpcurl:', secured)).toContain(' -cert "$CERT" -key "$KEY" -d');
  }, 60_000);

  test('use the name in the certificate if that is not the address', () => {
    const tls = { certificate: '/etc/tls.crt', serverName: 'id.example.com', clientCertificate: false };
    const commands = quickStart({
      ...{ address: '127.0.0.1:50051', username: 'root', password: 'x', callerToken: false },
      tls,
    });
    expect(commands).toContain("grpcurl -cacert '/etc/tls.crt' -authority 'id.example.com' -d");
    expect(commands).toContain(
      "buf curl --protocol grpc --cacert '/etc/tls.crt' --servername 'id.example.com' -d",
    );
    expect(commands).toContain(' https://127.0.0.1:50051/latchkey.v1.IdentityService/Login');
  });
});
