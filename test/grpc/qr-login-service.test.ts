import { credentials, Metadata, type ServiceError } from '@grpc/grpc-js';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { OpenedSession } from '../../src/core/session/session-opener.ts';
import {
  type CreateTicketResponse,
  QrLoginServiceClient,
  TicketDenial,
  TicketState,
  type WatchTicketResponse,
} from '../../src/gen/latchkey/v1/qr_login.ts';
import { qrLoginService } from '../../src/grpc/qr-login-service.ts';
import { GrpcServer } from '../../src/grpc/server.ts';
import { eventually } from '../support/eventually.ts';
import { ORIGIN, QrWorld } from '../support/qr-world.ts';
import { testEnvironment } from './support/fakes.ts';
import { call, type Outcome, takeApart } from './support/unary-call.ts';

const NOT_FOUND = 5;
const FAILED_PRECONDITION = 9;
const DEVICE = { deviceId: 'd-1', name: 'Firefox on Linux', platform: 'Linux' };

let qr: QrWorld;
let server: GrpcServer;
let client: QrLoginServiceClient;
let phone: OpenedSession;
const environment = testEnvironment();

beforeAll(async () => {
  qr = await QrWorld.open();
  const users = qr.world.directory;
  const core = { tickets: qr.tickets, redemption: qr.redemption, watchers: qr.watchers, users };
  server = new GrpcServer({
    address: '127.0.0.1:0',
    services: [qrLoginService(core, { tokens: qr.world.tokens, frontAuth: 'none' }, environment)],
    reflection: false,
    log: environment.log,
  });
  client = new QrLoginServiceClient(await server.listen(), credentials.createInsecure());
});

afterAll(async () => {
  client.close();
  await server.drain({ delayMs: 0, timeoutMs: 0 });
  await qr.world.close();
});

beforeEach(async () => {
  phone = await qr.world.open(qr.world.addUser());
});

afterEach(() => expect(environment.log.at('error')).toEqual([]));

const bearer = () => ({ metadata: { authorization: `Bearer ${phone.tokens.accessToken}` } });
const create = async (): Promise<CreateTicketResponse> => {
  const request = { clientId: 'web', device: DEVICE, origin: undefined, labels: {} };
  return ok(await call(client, client.createTicket, request));
};
const scan = (ticketId: string, options: object = bearer()) =>
  call(client, client.scanTicket, { ticketId, origin: undefined }, options);
const approve = (ticketId: string, digits: string, options: object = bearer()) =>
  call(client, client.approveTicket, { ticketId, digits, origin: undefined }, options);
const deny = (ticketId: string, options: object = bearer()) =>
  call(client, client.denyTicket, { ticketId, origin: undefined }, options);
const redeem = ({ ticketId, redeemSecret }: CreateTicketResponse, endSessionId = '') =>
  call(client, client.redeemTicket, { ticketId, redeemSecret, endSessionId });

function ok<Response>(outcome: Outcome<Response>): Response {
  if ('ok' in outcome) return outcome.ok;
  throw new Error(JSON.stringify(outcome));
}

/** One stream of WatchTicket. */
function watch({ ticketId, redeemSecret }: CreateTicketResponse) {
  const states: WatchTicketResponse[] = [];
  const watched = { states, outcome: undefined as Outcome<'end'> | undefined };
  const stream = client.watchTicket({ ticketId, redeemSecret }, new Metadata());
  stream.on('data', (state: WatchTicketResponse) => states.push(state));
  stream.on('end', () => {
    watched.outcome ??= { ok: 'end' };
  });
  stream.on('error', (error: ServiceError) => {
    watched.outcome = takeApart(error);
  });
  return watched;
}

test('a phone signs a desktop in, which sees each step', async () => {
  const created = await create();
  expect(created.url).toBe(`${ORIGIN}/qr/${created.ticketId}`);
  expect(created.pollInterval).toEqual({ seconds: 2, nanos: 0 });
  const watched = watch(created);
  await eventually(() => watched.states.length === 1);
  expect(ok(await scan(created.ticketId))).toMatchObject({
    ...{ state: TicketState.SCANNED, clientId: 'web', ipAddress: '127.0.0.1', sharesNetwork: false },
    device: { ...DEVICE, deviceId: '' },
    username: `user-${phone.session.userId}`,
  });
  await eventually(() => watched.states.length === 2);
  const digits = watched.states[1]?.digits ?? '';
  expect(digits).toMatch(/^\d\d$/);
  ok(await approve(created.ticketId, digits));
  const { outcome } = ok(await redeem(created));
  if (outcome?.$case !== 'signedIn') throw new Error('not signed in');
  expect(outcome.value.session).toMatchObject({ authenticationMethods: ['mca'], device: DEVICE });
  expect(outcome.value.tokens?.accessToken).toMatch(/^ey/);
  await eventually(() => watched.outcome !== undefined);
  expect(watched.outcome).toEqual({ ok: 'end' });
  const { PENDING, SCANNED, APPROVED, REDEEMED } = TicketState;
  expect(watched.states.map(({ state }) => state)).toEqual([PENDING, SCANNED, APPROVED, REDEEMED]);
  expect(watched.states.at(-1)?.digits).toBe('');
  const again = ok(await redeem(created)).outcome;
  expect(again?.$case === 'signedIn' && again.value.session?.sessionId).toBe(
    outcome.value.session?.sessionId,
  );
});

test('a desktop that polls gets the digits and the pause, and is told when it polls too often', async () => {
  const created = await create();
  await scan(created.ticketId);
  const { outcome } = ok(await redeem(created));
  expect(outcome).toMatchObject({
    $case: 'pending',
    value: {
      ...{ state: TicketState.SCANNED, digits: expect.stringMatching(/^\d\d$/) },
      retryAfter: { seconds: 2, nanos: 0 },
    },
  });
  expect(await redeem(created)).toMatchObject({ reason: 'TICKET_POLLED_TOO_OFTEN', retryAfterMs: 7_000 });
});

test('wrong digits end the ticket, for the phone and for the desktop', async () => {
  const created = await create();
  const watched = watch(created);
  await scan(created.ticketId);
  await eventually(() => watched.states.at(-1)?.state === TicketState.SCANNED);
  const wrong = watched.states.at(-1)?.digits === '00' ? '01' : '00';
  const over = { code: FAILED_PRECONDITION, reason: 'TICKET_OVER' };
  expect(await approve(created.ticketId, wrong)).toMatchObject(over);
  await eventually(() => watched.outcome !== undefined);
  expect(watched.states.at(-1)).toMatchObject({
    state: TicketState.DENIED,
    denial: TicketDenial.WRONG_DIGITS,
  });
  const metadata = { state: 'DENIED', denial: 'WRONG_DIGITS' };
  expect(await redeem(created)).toMatchObject({ ...over, metadata });
});

test('a phone denies a ticket', async () => {
  const created = await create();
  await scan(created.ticketId);
  ok(await deny(created.ticketId));
  expect(await redeem(created)).toMatchObject({ metadata: { state: 'DENIED', denial: 'BY_APPROVER' } });
});

describe('bad input is refused', () => {
  test.each([
    '',
    'x',
    'x'.repeat(23),
    `${'x'.repeat(21)}=`,
    `${'x'.repeat(21)} `,
    'é'.repeat(22),
    '../'.repeat(7),
  ])('a ticket id like %j', async (ticketId) => {
    const created = { ...(await create()), ticketId };
    expect(await redeem(created)).toMatchObject({ reason: 'INVALID_FIELD', fields: ['ticket_id'] });
    for (const step of [scan(ticketId), approve(ticketId, '00'), deny(ticketId)]) {
      expect(await step).toMatchObject({ reason: 'INVALID_FIELD', fields: ['ticket_id'] });
    }
    const watched = watch(created);
    await eventually(() => watched.outcome !== undefined);
    expect(watched.outcome).toMatchObject({ reason: 'INVALID_FIELD', fields: ['ticket_id'] });
  });

  test.each(['', '1', '123', 'ab', '१२', ' 1'])(
    'digits like %j, and that is no wrong try',
    async (digits) => {
      const { ticketId } = await create();
      await scan(ticketId);
      expect(await approve(ticketId, digits)).toMatchObject({ reason: 'INVALID_FIELD', fields: ['digits'] });
      expect(ok(await scan(ticketId)).state).toBe(TicketState.SCANNED);
    },
  );

  test('an unknown ticket and a wrong secret, with one answer', async () => {
    const created = await create();
    const wrong = { ...created, redeemSecret: 'x'.repeat(43) };
    const unknown = { ...created, ticketId: 'x'.repeat(22) };
    const refusals = await Promise.all([redeem(wrong), redeem(unknown)]);
    expect(refusals[0]).toMatchObject({ code: NOT_FOUND, reason: 'TICKET_NOT_FOUND' });
    expect(refusals[1]).toEqual(refusals[0]);
    const watches = [watch(wrong), watch(unknown)];
    await eventually(() => watches.every(({ outcome }) => outcome !== undefined));
    for (const { outcome, states } of watches) {
      expect(outcome).toEqual(refusals[0]);
      expect(states).toEqual([]);
    }
    expect(await scan(unknown.ticketId)).toMatchObject({ code: NOT_FOUND });
  });

  test('a phone that is not signed in, and an address from a caller that is no front', async () => {
    const { ticketId } = await create();
    for (const step of [scan(ticketId, {}), approve(ticketId, '00', {}), deny(ticketId, {})]) {
      expect(await step).toMatchObject({ reason: 'CALLER_UNAUTHENTICATED' });
    }
    const origin = { ipAddress: '203.0.113.9' };
    const request = { clientId: 'web', device: DEVICE, origin, labels: {} };
    expect(await call(client, client.createTicket, request)).toMatchObject({ reason: 'CALLER_FORBIDDEN' });
    expect(await call(client, client.scanTicket, { ticketId, origin }, bearer())).toMatchObject({
      reason: 'CALLER_FORBIDDEN',
    });
  });

  test('a device and labels that are too long', async () => {
    const device = { ...DEVICE, name: 'x'.repeat(65) };
    const request = { clientId: 'x'.repeat(65), device, origin: undefined, labels: { 'A B': '' } };
    expect(await call(client, client.createTicket, request)).toMatchObject({
      fields: ['client_id', 'labels', 'device.name'],
    });
  });
});
