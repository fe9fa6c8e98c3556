import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { connect as tlsConnect } from 'node:tls';
import { credentials, status } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { IdentityServiceClient } from '../../src/gen/latchkey/v1/identity.ts';
import { Consistency } from '../../src/gen/latchkey/v1/validation.ts';
import { TlsCredentials, TlsFileError } from '../../src/grpc/tls-credentials.ts';
import { makeCertificate } from './support/certificates.ts';
import { RecordingLog } from './support/fakes.ts';
import { fakeCore, type RunningServer, startIdentityServer } from './support/identity-server.ts';
import { call } from './support/unary-call.ts';

const ca = makeCertificate('Test CA');
const serverCertificate = makeCertificate('localhost', ca);
const clientCertificate = makeCertificate('billing', ca);
const otherClient = makeCertificate('billing', makeCertificate('Another CA'));

let folder: string;
let running: RunningServer | undefined;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'latchkey-tls-'));
});
afterEach(async () => {
  await running?.close();
  running = undefined;
  rmSync(folder, { recursive: true });
});

function file(name: string, content: string): string {
  const at = path.join(folder, name);
  writeFileSync(at, content);
  return at;
}

/** Opening it for reading blocks until a process writes. */
function pipe(name: string): string {
  const at = path.join(folder, name);
  rmSync(at, { force: true });
  execFileSync('mkfifo', [at]);
  return at;
}

function serverFiles({ certificate, privateKey } = serverCertificate) {
  return { certificate: file('tls.crt', certificate), privateKey: file('tls.key', privateKey) };
}

function thrownBy(step: () => unknown): unknown {
  try {
    step();
  } catch (error) {
    return error;
  }
  return undefined;
}

async function validateOver(channel: ReturnType<typeof credentials.createSsl>, address: string) {
  const client = new IdentityServiceClient(address, channel, {
    'grpc.ssl_target_name_override': 'localhost',
  });
  const request = {
    accessToken: 'good',
    consistency: Consistency.BOUNDED,
    audience: '',
    atLeastRevision: '',
  };
  const outcome = await call(client, client.validate, request, { deadlineMs: 5_000 });
  client.close();
  return outcome;
}

/** The version and the certificate's subject of a TLS handshake, or the error. */
function handshake(address: string, maxVersion: 'TLSv1.2' | 'TLSv1.3'): Promise<string> {
  const [host = '', port] = address.split(':');
  return new Promise((resolve) => {
    const socket = tlsConnect({
      host,
      port: Number(port),
      maxVersion,
      ca: ca.certificate,
      ALPNProtocols: ['h2'],
      servername: 'localhost',
    });
    socket.once('secureConnect', () => {
      resolve(`${socket.getProtocol()} ${socket.getPeerCertificate().subject.CN}`);
      socket.destroy();
    });
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'error'));
  });
}

const trusting = () => credentials.createSsl(Buffer.from(ca.certificate));
const presenting = ({ privateKey, certificate } = clientCertificate) =>
  credentials.createSsl(Buffer.from(ca.certificate), Buffer.from(privateKey), Buffer.from(certificate));

describe('TLS', () => {
  test('serves calls in version 1.3 and no older one', async () => {
    running = await startIdentityServer(fakeCore().core, { tls: serverFiles() });
    expect(await validateOver(trusting(), running.address)).toHaveProperty('ok');
    expect(await handshake(running.address, 'TLSv1.3')).toBe('TLSv1.3 localhost');
    expect(await handshake(running.address, 'TLSv1.2')).toBe('ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION');
  });

  test.each([
    ['certificate', () => path.join(folder, 'missing.pem'), /missing\.pem does not exist\.$/],
    ['privateKey', () => path.join(folder, 'missing.pem'), /missing\.pem does not exist\.$/],
    ['clientCa', () => path.join(folder, 'missing.pem'), /missing\.pem does not exist\.$/],
    ['clientCa', () => folder, /is a folder\.$/],
    ['certificate', () => file('a.pem', serverCertificate.privateKey), /a\.pem does not hold a certificate/],
    ['privateKey', () => file('a.pem', serverCertificate.certificate), /a\.pem does not hold a private key/],
    ['clientCa', () => file('a.pem', 'no PEM'), /a\.pem does not hold a certificate/],
    ['privateKey', () => file('a.pem', clientCertificate.privateKey), /a\.pem: .* does not match/],
  ] as const)('refuses a %s that cannot be used, and states the reason', (which, at, why) => {
    const fault = thrownBy(() =>
      TlsCredentials.load({ ...serverFiles(), [which]: at() }, new RecordingLog()),
    );
    expect(fault).toBeInstanceOf(TlsFileError);
    expect(fault).toMatchObject({ file: which, message: expect.stringMatching(why) });
  });
});

test.each(['certificate', 'privateKey', 'clientCa'] as const)('does not wait for a %s in a pipe', (which) => {
  for (const at of [pipe('a.pem'), '/dev/zero']) {
    const files = { ...serverFiles(), [which]: at };
    const fault = thrownBy(() => TlsCredentials.load(files, new RecordingLog()));
    expect(fault).toMatchObject({ file: which, message: `${at} is not a file.` });
  }
});

describe('a private key', () => {
  const warningsAt = (mode: number) => {
    const log = new RecordingLog();
    const files = serverFiles();
    chmodSync(files.privateKey, mode);
    TlsCredentials.load(files, log);
    return log.at('warn');
  };

  test.each([0o644, 0o604, 0o602, 0o666])(
    'that every user can read or change causes a warning: mode %o',
    (mode) => {
      const at = path.join(folder, 'tls.key');
      expect(warningsAt(mode)).toEqual([
        {
          level: 'warn',
          fields: { file: at, mode: mode.toString(8) },
          message: `Every user of this machine can read or change the TLS private key. Run: chmod o= ${at}`,
        },
      ]);
    },
  );

  test.each([0o600, 0o640, 0o440])('may be readable by a group: mode %o', (mode) => {
    expect(warningsAt(mode)).toEqual([]);
  });

  test('may be behind a link, as Kubernetes mounts secrets', () => {
    const { certificate, privateKey } = serverFiles();
    const link = path.join(folder, 'link');
    symlinkSync(privateKey, link);
    expect(TlsCredentials.load({ certificate, privateKey: link }, new RecordingLog())).toBeDefined();
  });
});

describe('certificate files that change', () => {
  test('are used by the next connection, still with version 1.3 only', async () => {
    const credential = TlsCredentials.load(serverFiles(), new RecordingLog());
    const contexts: unknown[] = [];
    credential._addWatcher((context) => contexts.push(context));
    expect(credential.reload()).toBe(false);
    const renewed = serverFiles(makeCertificate('renewed', ca));
    expect(renewed.certificate).toBe(path.join(folder, 'tls.crt'));
    expect(credential.reload()).toBe(true);
    expect(contexts).toEqual([expect.objectContaining({ minVersion: 'TLSv1.3' })]);
  });

  test('are loaded by a running server', async () => {
    running = await startIdentityServer(fakeCore().core, { tls: serverFiles(), tlsReloadMs: 5 });
    serverFiles(makeCertificate('renewed', ca));
    let seen = '';
    while (seen !== 'TLSv1.3 renewed') seen = await handshake(running.address, 'TLSv1.3');
    expect(await handshake(running.address, 'TLSv1.2')).toBe('ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION');
  });

  test('are not used while they do not match', () => {
    const log = new RecordingLog();
    const credential = TlsCredentials.load(serverFiles(), log);
    const contexts: unknown[] = [];
    credential._addWatcher((context) => contexts.push(context));
    file('tls.key', makeCertificate('renewed', ca).privateKey);
    expect(credential.reload()).toBe(false);
    expect(contexts).toEqual([]);
    expect(log.at('error')).toHaveLength(1);
  });
});

test('a pipe in place of a file does not stop a running server', () => {
  const log = new RecordingLog();
  const credential = TlsCredentials.load(serverFiles(), log);
  pipe('tls.key');
  expect(credential.reload()).toBe(false);
  expect(log.at('error')).toHaveLength(1);
});

describe('mutual TLS', () => {
  const mutual = () => ({ ...serverFiles(), clientCa: file('ca.crt', ca.certificate) });

  test('serves a client with a certificate of the client CA', async () => {
    running = await startIdentityServer(fakeCore().core, { tls: mutual(), callerAuth: 'mtls' });
    expect(await validateOver(presenting(), running.address)).toHaveProperty('ok');
  });

  test.each([
    ['no certificate', () => trusting()],
    ['a certificate of another CA', () => presenting(otherClient)],
  ])('refuses a connection from a client with %s', async (_what, channel) => {
    running = await startIdentityServer(fakeCore().core, { tls: mutual() });
    expect(await validateOver(channel(), running.address)).toMatchObject({ code: status.UNAVAILABLE });
    expect(await validateOver(presenting(), running.address)).toHaveProperty('ok');
  });
});
