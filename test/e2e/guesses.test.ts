import type { ServiceError } from '@grpc/grpc-js';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { IdentityClient } from '../support/identity-client.ts';
import { ServiceWithWorkers } from '../support/service-with-workers.ts';

/** Of one account from anywhere, without a delay. */
const ALLOWANCE = 50;
const GUESSES = 1_000;
const CONNECTIONS = 8;
const OK = 0;
const RESOURCE_EXHAUSTED = 8;
const UNAVAILABLE = 14;
const UNAUTHENTICATED = 16;

let service: ServiceWithWorkers;
let clients: IdentityClient[];

beforeAll(async () => {
  service = await ServiceWithWorkers.start({
    LATCHKEY_WORKERS: '4',
    LATCHKEY_BCRYPT_COST: '4',
    // So many that every guess gets its turn and none is refused by the queue.
    LATCHKEY_BCRYPT_QUEUE: String(GUESSES),
  });
  clients = Array.from({ length: CONNECTIONS }, () => service.client());
}, 60_000);

afterAll(() => service.stop(), 60_000);

/** Guesses at once over all connections. Returns the status codes, and how many passwords may be checked. */
async function guess(username: string) {
  const began = performance.now();
  const codeOf = async (index: number): Promise<number> => {
    const login = clients[index % CONNECTIONS]?.login({ username, password: `guess ${index}` });
    const code = await login?.then(
      () => OK,
      ({ code }: ServiceError) => code,
    );
    // On a busy machine Redis does not answer some in time. They were not checked.
    return code === undefined || code === UNAVAILABLE ? codeOf(index) : code;
  };
  const codes = await Promise.all(Array.from({ length: GUESSES }, (_, index) => codeOf(index)));
  const seconds = (performance.now() - began) / 1_000;
  // Delays of 1, 2, 4 … seconds pass meanwhile, each of which lets one more in.
  return { codes, most: ALLOWANCE + Math.floor(Math.log2(seconds + 1)) };
}

/** How many passwords were checked and found wrong, by the metrics of all processes. */
async function wrongPasswords(): Promise<number> {
  const page = await service.metrics();
  return Number(/latchkey_logins_total\{outcome="INVALID_CREDENTIALS"\} (\d+)/.exec(page)?.[1] ?? 0);
}

test.each(['admin', 'nobody'])(
  'of 1,000 guesses at once over four processes no more are checked than the limit: %s',
  async (username) => {
    const before = await wrongPasswords();
    const { codes, most } = await guess(username);
    const checked = codes.filter((code) => code === UNAUTHENTICATED).length;
    expect(await wrongPasswords()).toBe(before + checked);
    expect(checked).toBeGreaterThan(ALLOWANCE / 2);
    expect(checked).toBeLessThanOrEqual(most);
    expect(codes.filter((code) => code === RESOURCE_EXHAUSTED)).toHaveLength(GUESSES - checked);
  },
  30_000,
);
