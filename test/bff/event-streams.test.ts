import { once } from 'node:events';
import { afterEach, expect, test } from '@jest/globals';
import { type FastifyInstance, fastify } from 'fastify';
import { EventStreams } from '../../src/bff/browser/event-streams.ts';

let app: FastifyInstance;

afterEach(() => app.close());

test('streams of codes, which anybody can make, do not count for sessions', async () => {
  const streams = new EventStreams({ session: { one: 1, all: 1 }, ticket: { one: 1, all: 2 } });
  app = fastify();
  app.get<{ Params: { readonly kind: 'session' | 'ticket'; readonly id: string } }>(
    '/:kind/:id',
    (request, reply) =>
      streams.open(request, reply, request.params, async (_send, signal) => {
        await once(signal, 'abort');
      }),
  );
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  const gone = new AbortController();
  const open = async (path: string) => (await fetch(url + path, { signal: gone.signal })).status;
  expect(await open('/ticket/a')).toBe(200);
  expect(await open('/ticket/b')).toBe(200);
  expect(await open('/ticket/c')).not.toBe(200);
  expect(await open('/session/a')).toBe(200);
  expect(await open('/session/b')).not.toBe(200);
  gone.abort();
  streams.close();
});
