import { fastify } from 'fastify';
import { PAGES } from '../../../src/bff/all-pages.ts';
import { openBff } from '../../../src/bff/bff.ts';
import { readBffConfig } from '../../../src/bff/config/bff-config.ts';
import { securityHeaders } from '../../../src/bff/http/security-headers.ts';

const CLOCK = { now: Date.now, monotonic: performance.now.bind(performance) };

/** Starts the BFF in front of a service. Resolves with its port once it can validate tokens. */
export async function startBff(servicePort: number): Promise<number> {
  const outcome = readBffConfig({
    LATCHKEY_BFF_LISTEN: '127.0.0.1:0',
    LATCHKEY_BFF_SERVICE_ADDRESS: `127.0.0.1:${servicePort}`,
  });
  if (outcome.kind === 'issues') throw new Error(JSON.stringify(outcome.issues));
  const { url } = await openBff(outcome.config, { clock: CLOCK, pages: PAGES });
  while ((await fetch(`${url}/readyz`)).status !== 200);
  return Number(new URL(url).port);
}

/**
 * Starts a Fastify server with one route that answers the same, with the same security headers, and guards nothing.
 * Resolves with its port.
 */
export async function startUnguarded(path: string, body: object): Promise<number> {
  const app = fastify();
  securityHeaders(app, false);
  app.get(path, () => body);
  return Number(new URL(await app.listen({ host: '127.0.0.1', port: 0 })).port);
}
