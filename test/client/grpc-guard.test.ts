import {
  type ServerDuplexStream,
  ServerInterceptingCall,
  type ServerInterceptor,
  type ServerReadableStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  type sendUnaryData,
  status,
} from '@grpc/grpc-js';
import { afterEach, describe, expect, test } from '@jest/globals';
import { HealthImplementation } from 'grpc-health-check';
import { type GrpcGuardOptions, grpcGuard } from '../../src/client/guard/grpc-guard.ts';
import { identityOf } from '../../src/client/guard/identity-of.ts';
import { addReflection } from '../../src/grpc/reflection.ts';
import { eventually } from '../support/eventually.ts';
import { EchoService } from './support/echo-service.ts';
import { ADA, ADA_BEGAN, ADA_LOGGED_OUT, adaEndedUntil, FakeValidator } from './support/fake-validator.ts';

const ada = { authorization: 'Bearer ada' };

let service: EchoService;
let validator: FakeValidator;
/** What handlers did, in order. */
let seen: string[];
/** The number of sent messages of `ServerStream`. */
let flushed: number;

/** Handlers that prefix their response with the caller's name. `ServerStream` and `Chat` run until they are ended. */
const handlers = {
  unary(call: ServerUnaryCall<string, string>, done: sendUnaryData<string>) {
    seen.push(`unary ${call.request}`);
    done(null, `${identityOf(call).userId} ${call.request}`);
  },
  collect(call: ServerReadableStream<string, string>, done: sendUnaryData<string>) {
    const parts: string[] = [];
    call.on('data', (part: string) => parts.push(part));
    call.on('end', () => done(null, `${identityOf(call).userId} ${parts.join('')}`));
  },
  serverStream(call: ServerWritableStream<string, string>) {
    call.on('cancelled', () => {
      seen.push('serverstream cancelled');
      call.write('too late');
    });
    seen.push('serverstream began');
    const count = call.request === 'a lot' ? 100 : 1;
    for (let sent = 0; sent < count; sent += 1) {
      call.write(`${identityOf(call).userId} ${call.request}`.padEnd(count === 1 ? 0 : 10_000), () => {
        flushed += 1;
      });
    }
  },
  chat(call: ServerDuplexStream<string, string>) {
    call.on('cancelled', () => seen.push('chat cancelled'));
    call.on('error', () => undefined);
    call.on('data', (part: string) => call.write(`${identityOf(call).userId} ${part}`));
    call.on('end', () => call.end());
  },
};

async function start(options?: GrpcGuardOptions, inner: ServerInterceptor[] = []): Promise<void> {
  seen = [];
  flushed = 0;
  validator = new FakeValidator();
  const health = new HealthImplementation({ '': 'SERVING' });
  service = await EchoService.start(handlers, [grpcGuard(validator, options), ...inner], (server) => {
    health.addToServer(server);
    addReflection(server, ['grpc.health.v1.Health']);
  });
}

afterEach(() => service.close());

/** An answer to this call means that everything sent before it has arrived. */
async function anotherCall(): Promise<void> {
  await service.open('Check', [''], { path: '/grpc.health.v1.Health/Check' }).outcome;
}

/** Waits until the value is not zero and has not changed for 20 checks. */
async function standstill(value: () => number): Promise<void> {
  let last = 0;
  let turns = 0;
  await eventually(() => {
    turns = value() === last ? turns + 1 : 0;
    last = value();
    return last > 0 && turns >= 20;
  });
}

describe('an admitted call', () => {
  test.each([
    ['unary', 'Unary', ['hello'], [`${ADA.userId} hello`]],
    ['client-streaming', 'Collect', ['a', 'b', 'c'], [`${ADA.userId} abc`]],
    ['bidirectional', 'Chat', ['a', 'b'], [`${ADA.userId} a`, `${ADA.userId} b`]],
  ])('of a %s method gives its handler the identity', async (_kind, name, sent, expected) => {
    await start();
    expect(await service.open(name, sent, ada).outcome).toStrictEqual({ ok: true, messages: expected });
  });

  test('of a server-streaming method gives its handler the identity', async () => {
    await start();
    const call = service.open('ServerStream', ['hello'], ada);
    await eventually(() => call.received.length === 1);
    expect(call.received).toStrictEqual([`${ADA.userId} hello`]);
    call.cancel();
    await call.outcome;
  });

  test('receives every message that was sent before the verdict, in order, and none before the verdict', async () => {
    await start();
    const { promise, resolve } = Promise.withResolvers<void>();
    validator.gate = promise;
    const sent = Array.from({ length: 500 }, (_, index) => `message ${index}`);
    const call = service.open('Chat', sent, ada);
    await eventually(() => validator.asked.length === 1);
    expect(call.received).toStrictEqual([]);
    resolve();
    const { messages } = await call.outcome;
    expect(messages).toStrictEqual(sent.map((text) => `${ADA.userId} ${text}`));
  });

  test('loses no message to an interceptor that reads early', async () => {
    const eager: ServerInterceptor = (_method, call) =>
      new ServerInterceptingCall(call, {
        start: (next) => {
          next();
          call.startRead();
        },
      });
    await start({}, [eager]);
    const { promise, resolve } = Promise.withResolvers<void>();
    validator.gate = promise;
    const { outcome } = service.open('Collect', ['a', 'b', 'c'], ada);
    await eventually(() => validator.asked.length === 1);
    await anotherCall();
    resolve();
    expect(await outcome).toMatchObject({ messages: [`${ADA.userId} abc`] });
  });

  test('is validated with the requirements of the guard', async () => {
    const requirements = { consistency: 'strong', audience: 'billing' } as const;
    await start({ requirements });
    await service.open('Unary', ['hello'], ada).outcome;
    expect(validator.asked).toStrictEqual([{ token: 'ada', requirements }]);
  });
});

describe('a refused call', () => {
  test.each([
    ['without a token', undefined],
    ['with another scheme', 'Basic YTpi'],
    ['with an empty token', 'Bearer '],
    ['with two tokens', 'Bearer ada, Bearer ada'],
    ['with white space in the token', 'Bearer a da'],
    ['with a token that is none', 'Bearer nonsense'],
    ['of a session that has ended', 'Bearer ended'],
  ])('is UNAUTHENTICATED %s, and does not reach its handler', async (_what, authorization) => {
    await start();
    const given = authorization === undefined ? {} : { authorization };
    expect(await service.open('Unary', ['hello'], given).outcome).toMatchObject({
      ok: false,
      error: {
        code: status.UNAUTHENTICATED,
        reason: 'CALLER_UNAUTHENTICATED',
        metadata: { next_step: 'LOGIN' },
      },
    });
    expect(seen).toStrictEqual([]);
  });

  test.each(['Unary', 'Collect', 'ServerStream', 'Chat'])(
    'is UNAUTHENTICATED whatever is sent at once (%s)',
    async (name) => {
      await start();
      const sent = Array.from({ length: 200 }, () => 'x'.repeat(10_000));
      expect(await service.open(name, sent, {}).outcome).toMatchObject({
        error: { code: status.UNAUTHENTICATED },
      });
      expect(seen).toStrictEqual([]);
    },
  );

  test('says to refresh once the token has expired', async () => {
    await start();
    const { outcome } = service.open('Unary', ['hello'], { authorization: 'Bearer expired' });
    expect(await outcome).toMatchObject({ error: { metadata: { next_step: 'REFRESH' } } });
  });

  test('is PERMISSION_DENIED without the role, and names the role', async () => {
    await start({ rules: { '/test.Echo/Unary': { anyRole: ['admin'] } } });
    expect(await service.open('Unary', ['hello'], ada).outcome).toMatchObject({
      error: {
        code: status.PERMISSION_DENIED,
        reason: 'CALLER_FORBIDDEN',
        metadata: { required_role: 'admin' },
      },
    });
    const { outcome } = service.open('Unary', ['hello'], { authorization: 'bearer admin' });
    expect(await outcome).toMatchObject({ ok: true });
  });

  test('is UNAVAILABLE with a retry delay if validation is not possible, and the cause is reported', async () => {
    const causes: unknown[] = [];
    await start({ onUndecided: (error) => causes.push(error) });
    const { outcome } = service.open('Unary', ['hello'], { authorization: 'Bearer down' });
    expect(await outcome).toMatchObject({ error: { code: status.UNAVAILABLE, retryAfterMs: 2_500 } });
    expect(causes).toMatchObject([{ message: 'Nobody answers.' }]);
  });

  test('is UNAVAILABLE, not UNAUTHENTICATED, if this service itself may not validate tokens', async () => {
    await start();
    const { outcome } = service.open('Unary', ['hello'], { authorization: 'Bearer unbelievable' });
    expect(await outcome).toMatchObject({ error: { code: status.UNAVAILABLE } });
  });
});

describe('the rules', () => {
  test('for a method have priority over those for its service, and both over the default', async () => {
    await start({
      rules: { '/test.Echo/*': { anyRole: ['admin'] }, '/test.Echo/Collect': 'signed-in' },
      otherwise: 'public',
    });
    expect(await service.open('Unary', ['a'], ada).outcome).toMatchObject({
      error: { code: status.PERMISSION_DENIED },
    });
    expect(await service.open('Collect', ['a'], ada).outcome).toMatchObject({ ok: true });
  });

  test('validate no token for a public method, whose handler gets no identity', async () => {
    await start({ rules: { '/test.Echo/Unary': 'public' } });
    const { error } = (await service.open('Unary', ['a'], ada).outcome) as { error?: { code: status } };
    expect(validator.asked).toStrictEqual([]);
    expect(error).toMatchObject({ code: status.UNKNOWN });
  });

  const health = { path: '/grpc.health.v1.Health/Check' };

  test('keep health checking public by default', async () => {
    await start();
    expect(await service.open('Check', [''], health).outcome).toMatchObject({ ok: true });
  });

  const reflections = ['v1', 'v1alpha'].map(
    (version) => `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`,
  );

  test.each(reflections)('keep reflection public by default, and can guard it: %s', async (path) => {
    await start();
    expect(await service.open('', [], { path }).outcome).toMatchObject({ ok: true });
    service.close();
    await start({ rules: { [path]: 'signed-in' } });
    expect(await service.open('', [], { path }).outcome).toMatchObject({
      error: { code: status.UNAUTHENTICATED },
    });
  });

  test('can guard health checking', async () => {
    await start({ rules: { '/grpc.health.v1.Health/*': 'signed-in' } });
    expect(await service.open('Check', [''], health).outcome).toMatchObject({
      error: { code: status.UNAUTHENTICATED },
    });
  });

  test('that are invalid are refused when the guard is created', async () => {
    await start();
    expect(() => grpcGuard(validator, { rules: { 'test.Echo/Unary': 'public' } })).toThrow(TypeError);
    expect(() => grpcGuard(validator, { otherwise: 'signed in' as 'signed-in' })).toThrow(TypeError);
  });
});

describe('a call in progress', () => {
  test.each(['ServerStream', 'Chat'])('ends with its session, and so does its handler (%s)', async (name) => {
    await start();
    const call = service.open(name, ['hello'], { ...ada, stayOpen: name === 'Chat' });
    await eventually(() => call.received.length === 1);
    validator.revoke({ ...ADA_LOGGED_OUT, sessionId: '019b7600-0000-7000-8000-00000000ffff' });
    validator.revoke(ADA_LOGGED_OUT);
    expect(await call.outcome).toMatchObject({
      error: { code: status.UNAUTHENTICATED, message: expect.stringContaining('LOGGED_OUT') },
      messages: [`${ADA.userId} hello`],
    });
    expect(seen.at(-1)).toBe(`${name.toLowerCase()} cancelled`);
  });

  test('is not affected by the end of another session', async () => {
    await start();
    const call = service.open('Chat', ['hello'], { ...ada, stayOpen: true });
    await eventually(() => call.received.length === 1);
    validator.revoke({ ...ADA_LOGGED_OUT, sessionId: '019b7600-0000-7000-8000-00000000ffff' });
    validator.revoke(adaEndedUntil(ADA_BEGAN - 1));
    call.write('still here');
    await eventually(() => call.received.length === 2);
    call.cancel();
    expect(await call.outcome).toMatchObject({ error: { code: status.CANCELLED } });
  });

  test('ends when all sessions of its user end', async () => {
    await start();
    const call = service.open('ServerStream', ['hello'], ada);
    await eventually(() => call.received.length === 1);
    validator.revoke(adaEndedUntil(ADA_BEGAN));
    expect(await call.outcome).toMatchObject({ error: { code: status.UNAUTHENTICATED } });
  });

  test.each([
    ['its token expires', 'expired', status.UNAUTHENTICATED],
    ['validation is not possible any more', 'down', status.UNAVAILABLE],
  ])('ends within about a second when %s', async (_what, name, code) => {
    await start({ requirements: { consistency: 'strong', audience: 'billing' } });
    const call = service.open('ServerStream', ['hello'], ada);
    await eventually(() => call.received.length === 1);
    validator.renamed.set('ada', name);
    expect(await call.outcome).toMatchObject({ error: { code } });
    expect(validator.asked[1]).toStrictEqual({ token: 'ada', requirements: { audience: 'billing' } });
    expect(seen).toStrictEqual(['serverstream began', 'serverstream cancelled']);
  });

  test('ends for its handler at once, and for its caller when that reads', async () => {
    await start();
    const call = service.open('ServerStream', ['a lot'], { ...ada, unread: true });
    await standstill(() => flushed);
    validator.revoke(ADA_LOGGED_OUT);
    await eventually(() => seen.includes('serverstream cancelled'));
    call.read();
    expect(await call.outcome).toMatchObject({ error: { code: status.UNAUTHENTICATED } });
  });

  test('is no longer tracked after its end, however it ended', async () => {
    await start();
    await service.open('Unary', ['hello'], ada).outcome;
    await service.open('Chat', ['hello'], ada).outcome;
    const given = service.open('Chat', ['hello'], { ...ada, stayOpen: true });
    await eventually(() => given.received.length === 1);
    given.cancel();
    await given.outcome;
    await eventually(() => seen.filter((word) => word === 'chat cancelled').length === 2);
    const lasting = service.open('ServerStream', ['hello'], { authorization: 'Bearer admin' });
    await eventually(() => lasting.received.length === 1);
    validator.renamed.set('admin', 'expired');
    await lasting.outcome;
    expect(validator.asked.map(({ token }) => token)).toStrictEqual(['ada', 'ada', 'ada', 'admin', 'admin']);
  });
});
