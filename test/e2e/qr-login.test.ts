import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { AuditEventKind, connect, type LatchkeyClient } from '../../src/client/index.ts';
import { QrLoginServiceClient, TicketDenial, TicketState } from '../../src/gen/latchkey/v1/qr_login.ts';
import { eventually } from '../support/eventually.ts';
import { LatchkeyProcess } from '../support/latchkey-process.ts';
import { QrDesktop, QrPhone } from '../support/qr-devices.ts';
import { RedisServer } from '../support/redis-server.ts';

const PASSWORD = 'correct horse battery';

describe('two processes on one Redis', () => {
  let dataDir: string;
  let redis: RedisServer;
  let services: LatchkeyProcess[];
  let opened: { close(): unknown }[];

  beforeAll(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'latchkey-qr-'));
    redis = await RedisServer.start();
    const start = () =>
      LatchkeyProcess.start({
        LATCHKEY_DATA_DIR: dataDir,
        LATCHKEY_REDIS_URL: redis.url,
        LATCHKEY_BOOTSTRAP_PASSWORD: PASSWORD,
        LATCHKEY_PUBLIC_ORIGIN: 'https://login.example.com',
      });
    services = [await start(), await start()];
    opened = [];
  }, 60_000);

  afterAll(async () => {
    for (const each of opened) await each.close();
    for (const service of services) await service.stop();
    await redis.stop();
    rmSync(dataDir, { recursive: true, force: true });
  });

  const address = (index: number) => services[index]?.address ?? '';
  const clientOf = (index: number): LatchkeyClient => {
    const client = connect(address(index), { credentials: { kind: 'plaintext' }, mode: 'remote' });
    opened.push(client);
    return client;
  };
  const desktopAt = async (index: number) => {
    const desktop = await QrDesktop.open(address(index));
    opened.push(desktop);
    return desktop;
  };
  const phoneAt = async (index: number) => {
    const client = clientOf(index);
    const { tokens } = await client.login({ username: 'admin', password: PASSWORD });
    const phone = new QrPhone(address(index), tokens.accessToken);
    opened.push(phone);
    return { phone, client, tokens };
  };

  test('a phone at one signs in a desktop at the other, which sees each step', async () => {
    const desktop = await desktopAt(0);
    expect(desktop.created.url).toBe(`https://login.example.com/qr/${desktop.ticketId}`);
    await desktop.sees(TicketState.PENDING);
    const { phone } = await phoneAt(1);
    await phone.scan(desktop.ticketId);
    await desktop.sees(TicketState.SCANNED);
    await phone.approve(desktop.ticketId, desktop.digits);
    await desktop.sees(TicketState.APPROVED);
    const { tokens, session } = await desktop.signedIn();
    await desktop.sees(TicketState.REDEEMED);
    expect(session?.authenticationMethods).toEqual(['mca']);
    const verdict = await clientOf(1).validate(tokens?.accessToken ?? '');
    expect(verdict).toMatchObject({ kind: 'accepted', identity: { sessionId: session?.sessionId } });
  }, 60_000);

  test('the other answers a redemption whose answer was lost', async () => {
    const desktop = await desktopAt(0);
    const { phone } = await phoneAt(1);
    await phone.scan(desktop.ticketId);
    await desktop.sees(TicketState.SCANNED);
    await phone.approve(desktop.ticketId, desktop.digits);
    const first = await desktop.signedIn();
    const again = await desktop.signedIn(new QrLoginServiceClient(address(1), QrDesktop.credentials));
    expect(again.session?.sessionId).toBe(first.session?.sessionId);
    expect(again.tokens?.refreshToken).toBe(first.tokens?.refreshToken);
  }, 60_000);

  test('a logout of the phone ends the ticket, and the desktop at the other hears it', async () => {
    const desktop = await desktopAt(0);
    const { phone, client, tokens } = await phoneAt(1);
    await phone.scan(desktop.ticketId);
    await desktop.sees(TicketState.SCANNED);
    await phone.approve(desktop.ticketId, desktop.digits);
    await client.logout({ refreshToken: tokens.refreshToken });
    await desktop.sees(TicketState.DENIED);
    expect(desktop.last?.denial).toBe(TicketDenial.APPROVER_SESSION_ENDED);
    await expect(desktop.signedIn()).rejects.toThrow('TICKET_OVER');
  }, 60_000);

  test('a watcher goes on after Redis was frozen', async () => {
    const desktop = await desktopAt(0);
    const { phone } = await phoneAt(1);
    redis.freeze();
    await expect(phone.scan(desktop.ticketId)).rejects.toThrow('STORE_UNAVAILABLE');
    redis.thaw();
    await eventually(
      async () =>
        phone.scan(desktop.ticketId).then(
          () => true,
          () => false,
        ),
      10_000,
    );
    await desktop.sees(TicketState.SCANNED);
  }, 60_000);

  test('the audit trail tells who approved and who was signed in how', async () => {
    const { client, tokens } = await phoneAt(0);
    const options = { token: tokens.accessToken };
    const kinds = async () =>
      (await client.audit.listAuditEvents({ pageSize: 100 }, options)).events.map(
        ({ kind, details, reason }) => [kind, details['methods'] ?? details['device'] ?? '', reason],
      );
    await eventually(async () => {
      const seen = JSON.stringify(await kinds());
      return [
        [AuditEventKind.TICKET_APPROVED, 'Firefox on Linux', ''],
        [AuditEventKind.SIGNED_IN, 'mca', ''],
        [AuditEventKind.SIGNED_IN, 'pwd', ''],
      ].every((event) => seen.includes(JSON.stringify(event)));
    }, 10_000);
  }, 60_000);
});
