import { once } from 'node:events';
import { get } from 'node:http';
import { afterEach, describe, expect, test } from '@jest/globals';
import { type FastifyInstance, fastify } from 'fastify';
import { type FastifyGuardOptions, fastifyGuard } from '../../src/client/guard/fastify-guard.ts';
import { identityOf } from '../../src/client/guard/identity-of.ts';
import { ADA, ADA_LOGGED_OUT, FakeValidator } from './support/fake-validator.ts';

let app: FastifyInstance;
let validator: FakeValidator;

/** One route for each access, one in a plugin, and one with a long response. */
async function start(options?: FastifyGuardOptions): Promise<void> {
  validator = new FakeValidator();
  app = fastify();
  await app.register(fastifyGuard(validator, options));
  app.get('/me', async (request) => ({ userId: identityOf(request).userId }));
  app.get('/open', { config: { access: 'public' } }, async () => 'open');
  app.delete('/all', { config: { access: { anyRole: ['admin'] } } }, async () => 'done');
  await app.register(async (inner) => {
    inner.get('/inner', async (request) => identityOf(request).sessionId);
  });
  app.get('/events', (_request, reply) => {
    reply.hijack();
    reply.raw.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: 1\n\n');
  });
}

const as = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });

afterEach(() => app.close());

describe('a Fastify application', () => {
  test('gives its handlers the identity, also in plugins', async () => {
    await start();
    expect((await app.inject({ url: '/me', ...as('ada') })).json()).toStrictEqual({ userId: ADA.userId });
    expect((await app.inject({ url: '/inner', ...as('ada') })).body).toBe(ADA.sessionId);
  });

  test('answers 401 without an error in the challenge if no token was sent', async () => {
    await start();
    const response = await app.inject({ url: '/inner' });
    expect(response.statusCode).toBe(401);
    expect(response.headers).toMatchObject({ 'www-authenticate': 'Bearer', 'cache-control': 'no-store' });
    expect(response.json()).toMatchObject({ error: 'token_required', next_step: 'LOGIN' });
  });

  test('answers 401 with invalid_token and the next step if the token is invalid', async () => {
    await start();
    const response = await app.inject({ url: '/me', ...as('expired') });
    expect(response.statusCode).toBe(401);
    expect(response.headers['www-authenticate']).toBe('Bearer error="invalid_token"');
    expect(response.json()).toMatchObject({ error: 'invalid_token', next_step: 'REFRESH' });
  });

  test('answers 403 without the role, and admits callers with it', async () => {
    await start();
    const response = await app.inject({ method: 'DELETE', url: '/all', ...as('ada') });
    expect(response.statusCode).toBe(403);
    expect(response.headers['www-authenticate']).toBe('Bearer error="insufficient_scope"');
    const admitted = await app.inject({ method: 'DELETE', url: '/all', ...as('admin') });
    expect(admitted.body).toBe('done');
  });

  test('answers 503 with the retry delay if validation is not possible', async () => {
    await start();
    const response = await app.inject({ url: '/me', ...as('down') });
    expect(response.statusCode).toBe(503);
    expect(response.headers['retry-after']).toBe('3');
  });

  test('validates no token on a public route, and guards paths without a route', async () => {
    await start();
    expect((await app.inject({ url: '/open', ...as('expired') })).body).toBe('open');
    expect((await app.inject({ url: '/nowhere' })).statusCode).toBe(401);
    expect(validator.asked).toStrictEqual([]);
  });

  test('is public except for routes with another access, if the guard is configured so', async () => {
    await start({ otherwise: 'public' });
    expect((await app.inject({ url: '/nowhere' })).statusCode).toBe(404);
    expect((await app.inject({ method: 'DELETE', url: '/all' })).statusCode).toBe(401);
  });

  test('refuses a route with an invalid access', async () => {
    await start();
    expect(() => app.get('/typo', { config: { access: 'publc' } }, async () => 'open')).toThrow(/\/typo/);
  });

  test('closes an event stream when its session ends', async () => {
    await start();
    const address = await app.listen({ port: 0, host: '127.0.0.1' });
    const [response] = await once(get(`${address}/events`, as('ada')), 'response');
    await once(response, 'data');
    validator.revoke(ADA_LOGGED_OUT);
    await expect(once(response, 'end')).rejects.toMatchObject({ code: 'ECONNRESET' });
  });
});
