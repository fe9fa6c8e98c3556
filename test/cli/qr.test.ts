import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { renderUnicodeCompact } from 'uqr';
import {
  QrLoginServiceService,
  type RedeemTicketResponse,
  TicketState,
} from '../../src/gen/latchkey/v1/qr_login.ts';
import { eventually } from '../support/eventually.ts';
import { fakeSession, fakeTokens } from '../support/fake-session.ts';
import { IdentityClient } from '../support/identity-client.ts';
import { LatchkeyProcess } from '../support/latchkey-process.ts';
import { QrPhone } from '../support/qr-devices.ts';

const PASSWORD = 'correct horse battery';
const root = path.resolve(import.meta.dirname, '../..');

let dataDir: string;
let service: LatchkeyProcess;
let identity: IdentityClient;
let phone: QrPhone;
const children: ChildProcess[] = [];

beforeAll(async () => {
  dataDir = mkdtempSync(path.join(tmpdir(), 'latchkey-qr-command-'));
  service = await LatchkeyProcess.start({
    LATCHKEY_DATA_DIR: dataDir,
    LATCHKEY_BOOTSTRAP_PASSWORD: PASSWORD,
    LATCHKEY_PUBLIC_ORIGIN: 'https://login.example.com',
  });
  identity = new IdentityClient(service.address);
  const { tokens } = await identity.login({ password: PASSWORD });
  phone = new QrPhone(service.address, tokens?.accessToken ?? '');
}, 60_000);

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

afterAll(async () => {
  phone.close();
  identity.close();
  await service.stop();
  rmSync(dataDir, { recursive: true, force: true });
});

/** Runs `latchkey qr` until it shows its code. */
async function latchkeyQr(...args: string[]) {
  const child = spawn(path.join(root, 'node_modules/.bin/node'), ['src/cli/main.ts', 'qr', ...args], {
    cwd: root,
    env: { LATCHKEY_ADDRESS: service.address },
  });
  children.push(child);
  const shown = { stdout: '', stderr: '' };
  child.stdout.on('data', (text) => {
    shown.stdout += String(text);
  });
  child.stderr.on('data', (text) => {
    shown.stderr += String(text);
  });
  const closed = once(child, 'close').then(([code]) => Number(code));
  await eventually(() => shown.stderr.includes('Scan this code'), 20_000);
  const [url = '', ticketId = ''] = /https:\/\/login\.example\.com\/qr\/([\w-]{22})/.exec(shown.stderr) ?? [];
  const digits = async () => {
    await eventually(() => /Type \d\d on/.test(shown.stderr), 10_000);
    return /Type (\d\d) on/.exec(shown.stderr)?.[1] ?? '';
  };
  return { child, shown, closed, url, ticketId, digits };
}

test('qr shows a code and the digits, and prints the access token', async () => {
  const { shown, closed, url, ticketId, digits } = await latchkeyQr();
  expect(shown.stderr).toContain(renderUnicodeCompact(url, { border: 2 }));
  expect((await phone.scan(ticketId)).device?.name).toMatch(/^latchkey on /);
  await phone.approve(ticketId, await digits());
  expect(await closed).toBe(0);
  const { verdict } = await identity.validate(shown.stdout.trim());
  expect(verdict).toMatchObject({ $case: 'identity', value: { authenticationMethods: ['mca'] } });
}, 60_000);

test('qr --json prints all tokens and the session', async () => {
  const { shown, closed, ticketId, digits } = await latchkeyQr('--json');
  await phone.scan(ticketId);
  await phone.approve(ticketId, await digits());
  expect(await closed).toBe(0);
  expect(JSON.parse(shown.stdout)).toMatchObject({
    tokens: { refreshToken: expect.stringMatching(/^lkr_/) },
    session: { clientId: 'latchkey-cli', authenticationMethods: ['mca'] },
  });
}, 60_000);

test('qr says that the ticket was denied', async () => {
  const { shown, closed, ticketId, digits } = await latchkeyQr();
  await phone.scan(ticketId);
  const wrong = (await digits()) === '00' ? '01' : '00';
  await expect(phone.approve(ticketId, wrong)).rejects.toThrow('TICKET_OVER');
  expect(await closed).toBe(1);
  expect(shown.stderr).toContain('was denied');
  expect(shown.stdout).toBe('');
}, 60_000);

test('qr shows no digits while another call opens the session', async () => {
  const expiresAt = new Date(Date.now() + 60_000);
  const pending = (state: TicketState, digits: string): RedeemTicketResponse['outcome'] => ({
    $case: 'pending',
    value: { state, digits, expiresAt, retryAfter: { seconds: 0, nanos: 0 } },
  });
  const signedIn = {
    tokens: fakeTokens('access', 'lkr_refresh', expiresAt),
    session: fakeSession(expiresAt),
    ...{ endedSessions: [], deviceToken: '' },
  };
  const outcomes: RedeemTicketResponse['outcome'][] = [
    pending(TicketState.SCANNED, '42'),
    pending(TicketState.REDEEMED, ''),
    { $case: 'signedIn', value: signedIn },
  ];
  const url = `https://login.example.com/qr/${'x'.repeat(22)}`;
  const server = new Server();
  server.addService(QrLoginServiceService, {
    createTicket: (_call: unknown, callback: (error: null, answer: unknown) => void) =>
      callback(null, { ticketId: 'x', redeemSecret: 'y', url, expiresAt }),
    redeemTicket: (_call: unknown, callback: (error: null, answer: unknown) => void) =>
      callback(null, { outcome: outcomes.shift() }),
  });
  const port = await promisify(server.bindAsync.bind(server))(
    '127.0.0.1:0',
    ServerCredentials.createInsecure(),
  );
  const { shown, closed } = await latchkeyQr('--address', `127.0.0.1:${port}`);
  expect(await closed).toBe(0);
  server.forceShutdown();
  expect(shown.stderr.match(/^Type.*$/gm)).toEqual(['Type 42 on the phone, if it shows this device.']);
}, 60_000);

test('qr ends at Ctrl-C', async () => {
  const { child, shown, closed } = await latchkeyQr();
  child.kill('SIGINT');
  expect(await closed).toBe(130);
  expect(shown.stdout).toBe('');
}, 60_000);
