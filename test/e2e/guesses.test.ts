import type { ServiceError } from '@grpc/grpc-js';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { LoginRequest } from '../../src/gen/latchkey/v1/identity.ts';
import type { IdentityClient } from '../support/identity-client.ts';
import { ServiceWithWorkers } from '../support/service-with-workers.ts';

/** Of one account from anywhere, without a delay. */
const ALLOWANCE = 50;
const GUESSES = 1_000;
const CONNECTIONS = 8;
const OK = 0;
const RESOURCE_EXHAUSTED = 8;
const UNAVAILABLE = 14;
const MAX_TRIES = 10;
const UNAUTHENTICATED = 16;

let service: ServiceWithWorkers;
let clients: IdentityClient[];
/** A sign-in of the user `admin` on a device that signed in before. */
let ownLogin: Partial<LoginRequest>;

beforeAll(async () => {
  service = await ServiceWithWorkers.start({
    LATCHKEY_WORKERS: '4',
    LATCHKEY_BCRYPT_COST: '4',
    // So many that every guess gets its turn and none is refused by the queue.
    LATCHKEY_BCRYPT_QUEUE: String(GUESSES),
  });
  clients = Array.from({ length: CONNECTIONS }, () => service.client());
  const { PASSWORD: password } = ServiceWithWorkers;
  const { deviceToken } = await service.client().login({ password });
  ownLogin = { password, deviceToken };
}, 60_000);

afterAll(() => service.stop(), 60_000);

/** The status of a login. On a busy machine Redis may not answer in time; the login is repeated then. */
async function codeOf(client: IdentityClient | undefined, request: Partial<LoginRequest>): Promise<number> {
  let code = UNAVAILABLE;
  for (let tries = 0; code === UNAVAILABLE && tries < MAX_TRIES; tries += 1) {
    code = await (client?.login(request) ?? Promise.reject(new Error('no client'))).then(
      () => OK,
      ({ code }: ServiceError) => code,
    );
  }
  return code;
}

/** Guesses at once over all connections. Returns the status codes, and how many passwords may be checked. */
async function guess(username: string) {
  const began = performance.now();
  const guesses = Array.from({ length: GUESSES }, (_, index) =>
    codeOf(clients[index % CONNECTIONS], { username, password: `guess ${index}` }),
  );
  const codes = await Promise.all(guesses);
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
  'of 1,000 guesses at once over four processes no more are checked than the limit, and the owner gets in: %s',
  async (username) => {
    const before = await wrongPasswords();
    const guessed = guess(username);
    const owner = service.client();
    const ownCodes: number[] = [];
    for (let login = 0; login < 5; login += 1) ownCodes.push(await codeOf(owner, ownLogin));
    const { codes, most } = await guessed;
    expect([...ownCodes, await codeOf(owner, ownLogin)]).toEqual(new Array(6).fill(OK));
    const checked = codes.filter((code) => code === UNAUTHENTICATED).length;
    expect(await wrongPasswords()).toBe(before + checked);
    expect(checked).toBeGreaterThan(ALLOWANCE / 2);
    expect(checked).toBeLessThanOrEqual(most);
    expect(codes.filter((code) => code === RESOURCE_EXHAUSTED)).toHaveLength(GUESSES - checked);
  },
  30_000,
);
