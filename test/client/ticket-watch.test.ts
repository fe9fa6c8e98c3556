import { status } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { connect } from '../../src/client/connect.ts';
import type { LatchkeyClient } from '../../src/client/transport/latchkey-client.ts';
import type { TicketWatch, TicketWatchEvent } from '../../src/client/transport/ticket-watch.ts';
import type { OpenedSession } from '../../src/core/session/session-opener.ts';
import type { CreatedTicket } from '../../src/core/sign-in/qr-tickets.ts';
import { qrLoginService } from '../../src/grpc/qr-login-service.ts';
import { GrpcServer } from '../../src/grpc/server.ts';
import { testEnvironment } from '../grpc/support/fakes.ts';
import { eventually } from '../support/eventually.ts';
import { ASKER, callerOf, QrWorld } from '../support/qr-world.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';

let qr: QrWorld;
let server: GrpcServer;
let proxy: TcpProxy;
let client: LatchkeyClient;
let phone: OpenedSession;

beforeEach(async () => {
  qr = await QrWorld.open();
  const users = qr.world.directory;
  const core = { tickets: qr.tickets, redemption: qr.redemption, watchers: qr.watchers, users };
  const environment = testEnvironment();
  server = new GrpcServer({
    address: '127.0.0.1:0',
    services: [qrLoginService(core, { tokens: qr.world.tokens, frontAuth: 'none' }, environment)],
    reflection: false,
    log: environment.log,
  });
  proxy = await TcpProxy.open(Number((await server.listen()).split(':').at(-1)));
  client = connect(`127.0.0.1:${proxy.port}`, { credentials: { kind: 'plaintext' }, mode: 'remote' });
  phone = await qr.world.open(qr.world.addUser());
});

afterEach(async () => {
  await client.close();
  await proxy.close();
  await server.drain({ delayMs: 0, timeoutMs: 0 });
  await qr.world.close();
});

/** The events of a watch as they come. `over`: how the iteration ended. */
function recorded(watch: TicketWatch) {
  const record: { events: TicketWatchEvent[]; over: unknown } = { events: [], over: undefined };
  const run = async () => {
    for await (const event of watch) record.events.push(event);
  };
  run().then(
    () => {
      record.over = 'done';
    },
    (error: unknown) => {
      record.over = error;
    },
  );
  return record;
}

const watchOf = ({ ticket, redeemSecret }: CreatedTicket) =>
  recorded(client.watchTicket({ ticketId: ticket.ticketId, redeemSecret }));
const textsOf = ({ events }: { readonly events: readonly TicketWatchEvent[] }) =>
  events.map((event) => (event.kind === 'state' ? `${event.state} ${event.digits}`.trim() : event.kind));

describe('watchTicket', () => {
  test('tells each state, and is done after the final one', async () => {
    const created = await qr.tickets.create(ASKER);
    const record = watchOf(created);
    await eventually(() => record.events.length === 1);
    expect(record.events[0]).toEqual({
      ...{ kind: 'state', state: 'PENDING', denial: 'UNSPECIFIED', digits: '' },
      expiresAt: new Date(created.ticket.expiresAt),
    });
    const { ticket } = await qr.tickets.scan(created.ticket.ticketId, callerOf(phone), '');
    await eventually(() => record.events.length === 2);
    await qr.tickets.approve(ticket.ticketId, callerOf(phone), ticket.digits, '');
    await eventually(() => record.events.length === 3);
    await qr.redeem(created);
    await eventually(() => record.over !== undefined);
    const { digits } = ticket;
    expect(textsOf(record)).toEqual(['PENDING', `SCANNED ${digits}`, `APPROVED ${digits}`, 'REDEEMED']);
    expect(record.over).toBe('done');
  });

  test('says why a ticket was denied', async () => {
    const scanned = await qr.scanned(callerOf(phone));
    const record = watchOf(scanned);
    await eventually(() => record.events.length === 1);
    await qr.tickets.deny(scanned.ticket.ticketId, callerOf(phone), '');
    await eventually(() => record.over === 'done');
    expect(record.events.at(-1)).toMatchObject({ state: 'DENIED', denial: 'BY_APPROVER' });
  });

  test('says that it is interrupted while the connection is lost, and then what happened meanwhile', async () => {
    const created = await qr.tickets.create(ASKER);
    const record = watchOf(created);
    await eventually(() => record.events.length === 1);
    const { target } = proxy;
    proxy.target = 1;
    proxy.reset();
    await eventually(() => record.events.length === 2);
    await qr.tickets.scan(created.ticket.ticketId, callerOf(phone), '');
    proxy.target = target;
    await eventually(() => record.events.length === 3, 10_000);
    expect(textsOf(record)).toEqual(['PENDING', 'interrupted', expect.stringMatching(/^SCANNED \d\d$/)]);
  }, 20_000);

  test('fails for a wrong secret, and opens no further stream', async () => {
    const created = await qr.tickets.create(ASKER);
    const record = watchOf({ ...created, redeemSecret: 'A'.repeat(43) });
    await eventually(() => record.over !== undefined);
    expect(record.over).toMatchObject({
      ...{ code: status.NOT_FOUND, reason: 'TICKET_NOT_FOUND', method: 'WatchTicket' },
    });
    expect(record.events).toEqual([]);
  });

  test('fails for an unknown option, when its signal is aborted, and when the client is closed', async () => {
    const { ticket, redeemSecret } = await qr.tickets.create(ASKER);
    const options = { ticketId: ticket.ticketId, redeemSecret };
    const misspelt = recorded(client.watchTicket({ ...options, secret: 'x' } as typeof options));
    const nothing = recorded(client.watchTicket(undefined as unknown as typeof options));
    const aborting = new AbortController();
    const aborted = recorded(client.watchTicket({ ...options, signal: aborting.signal }));
    const closed = recorded(client.watchTicket(options));
    await eventually(() => aborted.events.length + closed.events.length === 2);
    aborting.abort();
    await eventually(() => aborted.over !== undefined);
    await client.close();
    await eventually(() => closed.over !== undefined);
    expect(misspelt.over).toMatchObject({ code: status.INVALID_ARGUMENT });
    expect(nothing.over).toMatchObject({ code: status.INVALID_ARGUMENT });
    expect(aborted.over).toMatchObject({ code: status.CANCELLED });
    expect(closed.over).toMatchObject({ code: status.CANCELLED });
  });
});
