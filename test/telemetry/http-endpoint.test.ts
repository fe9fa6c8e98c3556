import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import { HttpEndpoint, type HttpEndpointOptions } from '../../src/telemetry/http-endpoint.ts';

const opened: HttpEndpoint[] = [];
const held: Socket[] = [];

/** Connections that stay open until the server closes them, or the test ends. */
async function hold(count: number, url: string, sent: string): Promise<readonly Socket[]> {
  const sockets = Array.from({ length: count }, () => connect(Number(new URL(url).port), '127.0.0.1'));
  held.push(...sockets);
  for (const socket of sockets) socket.on('error', () => undefined).write(sent);
  await Promise.all(sockets.map((socket) => once(socket, 'connect')));
  return sockets;
}

async function open(options: Partial<HttpEndpointOptions> = {}): Promise<HttpEndpoint> {
  const endpoint = await HttpEndpoint.open({
    host: '127.0.0.1',
    port: 0,
    metrics: { contentType: 'text/plain; version=0.0.4', text: async () => 'latchkey_up 1\n' },
    readiness: () => ({ ready: true, reasons: [] }),
    ...options,
  });
  opened.push(endpoint);
  return endpoint;
}

afterEach(async () => {
  for (const socket of held.splice(0)) socket.destroy();
  await Promise.all(opened.splice(0).map((endpoint) => endpoint.close()));
});

describe('the HTTP endpoint', () => {
  test('uses a free port and reports it', async () => {
    const { url } = await open();
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:[1-9]\d*$/);
  });

  test('writes an IPv6 address in brackets', async () => {
    const { url } = await open({ host: '::1' });
    expect(url).toMatch(/^http:\/\/\[::1\]:\d+$/);
  });

  test('serves the metrics in the Prometheus format', async () => {
    const { url } = await open();
    const response = await fetch(`${url}/metrics?format=any`);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4');
    expect(await response.text()).toBe('latchkey_up 1\n');
  });

  test('is live although nothing is ready', async () => {
    const { url } = await open({ readiness: () => ({ ready: false, reasons: ['sessions: no answer'] }) });
    const response = await fetch(`${url}/livez`);
    expect([response.status, await response.json()]).toEqual([200, { live: true }]);
  });

  test('reports whether the service is ready, and why not', async () => {
    let readiness = { ready: true, reasons: [] as string[] };
    const { url } = await open({ readiness: async () => readiness });
    const ready = await fetch(`${url}/readyz`);
    expect([ready.status, await ready.json()]).toEqual([200, { ready: true, reasons: [] }]);
    readiness = { ready: false, reasons: ['users: no answer', 'draining'] };
    const unready = await fetch(`${url}/readyz`);
    expect([unready.status, await unready.json()]).toEqual([503, readiness]);
  });

  test('is not ready if the check fails, and gives no details', async () => {
    const { url } = await open({
      readiness: async () => {
        throw new Error('secret');
      },
    });
    const response = await fetch(`${url}/readyz`);
    expect(response.status).toBe(503);
    expect(await response.text()).not.toContain('secret');
  });

  test('answers 500 if the metrics cannot be collected, and continues', async () => {
    const { url } = await open({
      metrics: {
        contentType: 'text/plain',
        text: async () => {
          throw new Error('secret');
        },
      },
    });
    const response = await fetch(`${url}/metrics`);
    expect(response.status).toBe(500);
    expect(await response.text()).not.toContain('secret');
    expect((await fetch(`${url}/livez`)).status).toBe(200);
  });

  test.each(['/', '/metrics/', '/livez/x', '//livez', '/%6divez'])('has no page %s', async (path) => {
    const { url } = await open();
    expect((await fetch(url + path)).status).toBe(404);
  });

  test('accepts GET and HEAD only', async () => {
    const { url } = await open();
    const post = await fetch(`${url}/livez`, { method: 'POST', body: 'x' });
    expect([post.status, post.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
    await post.text();
    const head = await fetch(`${url}/livez`, { method: 'HEAD' });
    expect([head.status, await head.text()]).toEqual([200, '']);
  });

  test('fails to open on a taken address', async () => {
    const { url } = await open();
    await expect(open({ port: Number(new URL(url).port) })).rejects.toMatchObject({ code: 'EADDRINUSE' });
  });

  test.each([
    ['that send nothing', ''],
    ['whose request never ends', 'GET /livez HTTP/1.1\r\nhost: x\r\nslow: '],
    ['whose body never ends', 'POST /livez HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n'],
  ])('answers probes while 64 connections are held %s', async (_, sent) => {
    const { url } = await open();
    await hold(64, url, sent);
    for (const page of ['/livez', '/readyz', '/metrics']) {
      expect((await fetch(url + page, { headers: { connection: 'close' } })).status).toBe(200);
    }
  });

  test('answers probes while each of 64 connections waits for an answer', async () => {
    const { url } = await open({
      metrics: { contentType: 'text/plain', text: () => new Promise(() => {}) },
    });
    await hold(64, url, 'GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n');
    expect((await fetch(`${url}/livez`)).status).toBe(200);
  });

  test('closes the connection that has waited longest if there are more than 64', async () => {
    const { url } = await open();
    const [oldest] = await hold(1, url, '');
    const others = await hold(63, url, '');
    const closed = once(oldest as Socket, 'close');
    await hold(1, url, '');
    await closed;
    expect(others.every((socket) => !socket.closed)).toBe(true);
  });

  test('finishes a response in progress, however many connections are opened', async () => {
    let respond = (_: string) => {};
    const asked = Promise.withResolvers<void>();
    const text = () =>
      new Promise<string>((resolve) => {
        respond = resolve;
        asked.resolve();
      });
    const { url } = await open({ metrics: { contentType: 'text/plain', text } });
    const scrape = fetch(`${url}/metrics`);
    await asked.promise;
    const [first] = await hold(1, url, '');
    const closed = once(first as Socket, 'close');
    await hold(100, url, '');
    await closed;
    respond('latchkey_up 1\n');
    expect(await (await scrape).text()).toBe('latchkey_up 1\n');
  });

  test('serves one request per connection, however many are sent at once', async () => {
    let made = 0;
    const text = async () => {
      made += 1;
      return 'latchkey_up 1\n'.repeat(1_000);
    };
    const { url } = await open({ metrics: { contentType: 'text/plain', text } });
    const [socket] = await hold(1, url, 'GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n'.repeat(2_000));
    socket?.resume();
    await once(socket as Socket, 'close');
    expect(made).toBe(1);
    expect((await fetch(`${url}/livez`)).status).toBe(200);
  });

  test('closes even if a client keeps a silent connection open', async () => {
    const endpoint = await open();
    const socket = connect(Number(new URL(endpoint.url).port), '127.0.0.1');
    const ended = new Promise((resolve) => socket.once('close', resolve));
    await new Promise((resolve) => socket.once('connect', resolve));
    await fetch(`${endpoint.url}/livez`);
    await endpoint.close();
    await ended;
    await expect(fetch(`http://127.0.0.1:${socket.remotePort ?? 1}/livez`)).rejects.toThrow();
  });
});
