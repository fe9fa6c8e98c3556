import { once } from 'node:events';
import { createServer, get, request as httpRequest, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { afterEach, describe, expect, test } from '@jest/globals';
import express from 'express';
import { type ExpressGuard, expressGuard } from '../../src/client/guard/express-guard.ts';
import { identityOf } from '../../src/client/guard/identity-of.ts';
import { ADA, ADA_LOGGED_OUT, FakeValidator } from './support/fake-validator.ts';

let server: Server;
let validator: FakeValidator;

async function start(application: (guard: ExpressGuard) => Parameters<typeof createServer>[1]) {
  validator = new FakeValidator();
  server = createServer(application(expressGuard(validator)) ?? (() => undefined)).listen(0, '127.0.0.1');
  await once(server, 'listening');
}

const expressApplication = (guard: ExpressGuard) =>
  express()
    .get('/open', (_request, response) => void response.json('open'))
    .use(guard.signedIn)
    .get('/me', (request, response) => void response.json(identityOf(request).userId))
    .get('/admin', guard.anyRole('admin', 'owner'), (_request, response) => void response.json('admin'))
    .get('/events', (_request, response) => void response.writeHead(200).write('data: 1\n\n'));

/** The same without a framework. */
const plainApplication =
  (guard: ExpressGuard) => (request: IncomingMessage, response: Parameters<ExpressGuard['signedIn']>[1]) => {
    guard.signedIn(request, response, () => response.end(JSON.stringify(identityOf(request).userId)));
  };

const url = (path: string) => `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`;

async function ask(path: string, token?: string) {
  const response = await fetch(
    url(path),
    token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } },
  );
  const { status, headers } = response;
  const [challenge, retryAfter] = [headers.get('www-authenticate'), headers.get('retry-after')];
  return { status, challenge, retryAfter, body: await response.json() };
}

afterEach(() => {
  server.closeAllConnections();
  server.close();
});

describe('an Express application', () => {
  test('gives its handlers the identity, and leaves handlers before the guard public', async () => {
    await start(expressApplication);
    expect(await ask('/open')).toMatchObject({ status: 200, body: 'open' });
    expect(await ask('/me', 'ada')).toMatchObject({ status: 200, body: ADA.userId });
  });

  test.each([
    ['no token', undefined, 401, 'Bearer', { error: 'token_required', next_step: 'LOGIN' }],
    [
      'a token of an ended session',
      'ended',
      401,
      'Bearer error="invalid_token"',
      { error: 'invalid_token', next_step: 'LOGIN' },
    ],
    [
      'an expired token',
      'expired',
      401,
      'Bearer error="invalid_token"',
      { error: 'invalid_token', next_step: 'REFRESH' },
    ],
    [
      'a user without the role',
      'ada',
      403,
      'Bearer error="insufficient_scope"',
      { error: 'insufficient_scope' },
    ],
    ['a token that cannot be validated', 'down', 503, null, { error: 'temporarily_unavailable' }],
  ])('refuses %s', async (_who, token, status, challenge, body) => {
    await start(expressApplication);
    expect(await ask('/admin', token)).toMatchObject({ status, challenge, body });
  });

  test('admits callers with one of the roles', async () => {
    await start(expressApplication);
    expect(await ask('/admin', 'admin')).toMatchObject({ status: 200, body: 'admin' });
  });

  test('states the retry delay in whole seconds', async () => {
    await start(expressApplication);
    expect(await ask('/me', 'down')).toMatchObject({ status: 503, retryAfter: '3' });
  });

  test('does not change a response that another handler sent during the validation', async () => {
    const answered = Promise.withResolvers<void>();
    await start((guard) => (request, response) => {
      guard.signedIn(request, response, () => undefined);
      response.writeHead(504).end('{}');
      answered.resolve();
    });
    const gate = Promise.withResolvers<void>();
    validator.gate = gate.promise;
    const asked = ask('/me', 'ended');
    await answered.promise;
    expect(await asked).toMatchObject({ status: 504 });
    gate.resolve();
    await new Promise((resolve) => setImmediate(resolve));
    expect(await fetch(url('/me'))).toMatchObject({ status: 504 });
  });

  test('refuses two authorization headers', async () => {
    await start(expressApplication);
    const headers = ['host', 'localhost', 'authorization', 'Bearer ada', 'Authorization', 'Bearer admin'];
    const [response] = await once(httpRequest(url('/me'), { headers }).end(), 'response');
    expect(response.statusCode).toBe(401);
    expect(await json(response)).toMatchObject({ error: 'invalid_token' });
  });

  test('closes an event stream when its session ends', async () => {
    await start(expressApplication);
    const headers = { authorization: 'Bearer ada' };
    const [response] = await once(get(url('/events'), { headers }), 'response');
    await once(response, 'data');
    validator.revoke(ADA_LOGGED_OUT);
    await expect(once(response, 'end')).rejects.toMatchObject({ code: 'ECONNRESET' });
  });

  test("closes an event stream within about a second of the token's expiry, and then validates no more", async () => {
    await start(expressApplication);
    await ask('/me', 'ada');
    await ask('/me', 'ada');
    const [response] = await once(
      get(url('/events'), { headers: { authorization: 'Bearer admin' } }),
      'response',
    );
    await once(response, 'data');
    validator.renamed.set('admin', 'expired');
    await expect(once(response, 'end')).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect(validator.asked.map(({ token }) => token)).toStrictEqual(['ada', 'ada', 'admin', 'admin']);
  });

  test('validates the token of an event stream once a second, also if it is guarded twice', async () => {
    await start((guard) =>
      express().get('/events', guard.signedIn, guard.signedIn, (_request, response) => {
        response.writeHead(200).write('data: 1\n\n');
      }),
    );
    const headers = { authorization: 'Bearer ada' };
    const [response] = await once(get(url('/events'), { headers }), 'response');
    await once(response, 'data');
    expect(validator.asked).toHaveLength(2);
    validator.renamed.set('ada', 'expired');
    await expect(once(response, 'end')).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect(validator.asked).toHaveLength(3);
  });

  test('finishes a response that had not started when the session ended', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const asked = Promise.withResolvers<void>();
    await start((guard) =>
      express().get('/slow', guard.signedIn, (_request, response) => {
        asked.resolve();
        void promise.then(() => response.json('done'));
      }),
    );
    const answer = ask('/slow', 'ada');
    await asked.promise;
    validator.revoke(ADA_LOGGED_OUT);
    resolve();
    expect(await answer).toMatchObject({ status: 200, body: 'done' });
  });
});

test('a plain node:http server is guarded by the same middleware', async () => {
  await start(plainApplication);
  expect(await ask('/', 'ada')).toMatchObject({ status: 200, body: ADA.userId });
  expect(await ask('/')).toMatchObject({ status: 401 });
});
