import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type ConnectionOptions, connect as tlsConnect } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { GrpcServer } from '../../src/grpc/server.ts';
import { eventually } from '../support/eventually.ts';
import { makeCertificate } from './support/certificates.ts';
import { fakeCore, type RunningServer, startIdentityServer } from './support/identity-server.ts';

const ca = makeCertificate('Test CA');
const pair = ({ certificate, privateKey }: ReturnType<typeof makeCertificate>) => ({
  cert: certificate,
  key: privateKey,
});
const good = pair(makeCertificate('billing', ca));
const foreign = pair(makeCertificate('billing', makeCertificate('Another CA')));

let folder: string;
let running: RunningServer;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'latchkey-handshakes-'));
});
afterEach(() => running.close());
afterAll(() => rmSync(folder, { recursive: true }));

function tlsFiles() {
  const file = (name: string, content: string) => {
    writeFileSync(path.join(folder, name), content, { mode: 0o600 });
    return path.join(folder, name);
  };
  const { cert, key } = pair(makeCertificate('localhost', ca));
  return {
    certificate: file('tls.crt', cert),
    privateKey: file('tls.key', key),
    clientCa: file('ca.crt', ca.certificate),
  };
}

async function start(): Promise<void> {
  running = await startIdentityServer(fakeCore().core, { tls: tlsFiles() });
}

/** Opens a connection, and waits until it is closed. Returns its own address. */
async function closed(open: (port: number) => Socket): Promise<string> {
  const socket = open(Number(running.address.split(':')[1]));
  let own = '';
  await new Promise((resolve) => {
    const note = () => {
      own = `${socket.localAddress}:${socket.localPort}`;
    };
    socket
      .once('connect', note)
      .once('close', resolve)
      .on('error', () => undefined)
      .resume();
  });
  return own;
}

const overTls = (options: ConnectionOptions) => (port: number) =>
  tlsConnect({
    ...{ port, host: '127.0.0.1', servername: 'localhost', ca: ca.certificate, ALPNProtocols: ['h2'] },
    ...options,
  });

function plain(port: number): Socket {
  return connect(port, '127.0.0.1').end('GET / HTTP/1.1\r\n\r\n');
}

const warnings = () => running.environment.log.at('warn');

describe('a failed handshake is logged with the peer and the reason', () => {
  test.each([
    ['no certificate', overTls({}), 'the client sent no certificate'],
    [
      'the certificate of another authority',
      overTls(foreign),
      'the client certificate was not issued by an authority in LATCHKEY_TLS_CLIENT_CA (UNABLE_TO_VERIFY_LEAF_SIGNATURE)',
    ],
    ['plaintext', plain, 'the client does not speak TLS'],
    ['TLS 1.2', overTls({ ...good, maxVersion: 'TLSv1.2' }), 'the client does not speak TLS 1.3'],
    [
      'an authority that is not known to the client',
      overTls({ ...good, ca: foreign.cert }),
      'the client closed the connection; it may not trust the certificate of this service',
    ],
  ])('%s', async (_, open, reason) => {
    await start();
    const peer = await closed(open);
    await eventually(() => warnings().length > 0);
    expect(warnings()).toStrictEqual([
      { level: 'warn', fields: { peer, reason }, message: 'TLS handshake failed' },
    ]);
  });

  test('at most five times a second, with the number omitted', async () => {
    await start();
    await Promise.all(Array.from({ length: 60 }, () => closed(plain)));
    const lines = () => warnings().filter(({ fields }) => 'peer' in fields).length;
    const omitted = () => warnings().reduce((sum, { fields }) => sum + Number(fields['omitted'] ?? 0), 0);
    await eventually(() => lines() + omitted() === 60);
    expect(omitted()).toBeGreaterThan(0);
  });

  test('also if another process accepts the connections', async () => {
    await start();
    const { log } = running.environment;
    const worker = new GrpcServer({
      ...{ address: '', services: [], reflection: false, tls: tlsFiles(), log },
    });
    const listener = createServer(worker.serveHandedOver()).listen(0, '127.0.0.1');
    await once(listener, 'listening');
    const { port } = listener.address() as AddressInfo;
    const peer = await closed(() => plain(port));
    await eventually(() => warnings().length > 0);
    expect(warnings()[0]?.fields).toStrictEqual({ peer, reason: 'the client does not speak TLS' });
    listener.close();
    await worker.drain({ delayMs: 0, timeoutMs: 0 });
  });

  test('but not for a connection that sends nothing', async () => {
    await start();
    await closed((port) => connect(port, '127.0.0.1').end());
    await closed(plain);
    await eventually(() => warnings().length > 0);
    expect(warnings()).toHaveLength(1);
  });
});
