// npm run attack:login-timing: measures whether the duration of a refused sign-in reveals what was wrong. Everything is
// on loopback: a built service with Redis, and one caller. Each round has one sign-in of each kind, in random order.
import { parseArgs } from 'node:util';
import bcrypt from 'bcrypt';
import { connect, type LatchkeyClient, LatchkeyError } from '../../src/client/index.ts';
import { type Stand, withStand } from '../bench/servers/stand.ts';
import { median } from '../bench/stats.ts';

/** Maximum difference between the medians of two kinds, as a share of the duration of one password hash. */
const BAR = 0.01;
/** Rounds before the limits are lifted: fewer than the failures that an account may have without a delay. */
const ROUNDS_PER_LIFT = 5;
const PROGRESS_EVERY = 500;

const USAGE = `Usage: npm run attack:login-timing -- [options]     (after npm run build)
  --each=N    sign-ins of each kind, 10 to 100,000 (5000)
  --cost=N    bcrypt cost, 10 to 14 (10)
  --help      this

Exits with 1 if two medians differ by ${BAR * 100} % of the duration of a hash or more.`;

/** A sign-in that is refused. `attempt` counts from 0. */
interface Kind {
  readonly name: string;
  username(attempt: number): string;
  readonly password: string;
}

interface Times {
  /** By kind; milliseconds. */
  readonly refusals: ReadonlyMap<string, readonly number[]>;
  /** Of one password hash; milliseconds. */
  readonly hashes: readonly number[];
}

/** A machine that stands still for long must not end the measurement; the median ignores such a call. */
const TIMEOUT_MS = 60_000;

/** The length of the bcrypt input in the service. */
const PASSWORD = 'b'.repeat(64);

const { values } = parseArgs({
  options: {
    each: { type: 'string', default: '5000' },
    cost: { type: 'string', default: '10' },
    help: { type: 'boolean', default: false },
  },
});

function numberWithin(text: string, min: number, max: number): number {
  return Math.min(Math.max(Math.trunc(Number(text)) || min, min), max);
}

/** The kinds of refused sign-ins, each with a user of its own. */
async function prepare({ people }: Stand, admin: LatchkeyClient) {
  const [wrong, disabled, empty, tooLong] = people;
  if (!wrong || !disabled || !empty || !tooLong) throw new Error('too few users');
  await admin.users.disableUser({ userId: disabled.userId });
  const users = [wrong, disabled, empty, tooLong];
  const kinds: readonly Kind[] = [
    { name: 'wrong password', username: () => wrong.username, password: 'not the password' },
    // A new name each time: the limits of an unknown user cannot be lifted.
    { name: 'unknown user', username: (attempt) => `nobody-${attempt}`, password: 'not the password' },
    { name: 'disabled user, right password', username: () => disabled.username, password: disabled.password },
    { name: 'empty password', username: () => empty.username, password: '' },
    { name: 'over-long password', username: () => tooLong.username, password: 'x'.repeat(2_000) },
  ];
  return { users, kinds };
}

/** Returns how long the refusal took, in milliseconds. */
async function timeRefusal(client: LatchkeyClient, kind: Kind, attempt: number): Promise<number> {
  const request = { username: kind.username(attempt), password: kind.password };
  const startedAt = performance.now();
  const reason = await client.login(request).then(
    () => 'signed in',
    (error: unknown) => (error instanceof LatchkeyError ? error.reason : String(error)),
  );
  const tookMs = performance.now() - startedAt;
  if (reason !== 'INVALID_CREDENTIALS') throw new Error(`${kind.name}: ${reason}`);
  return tookMs;
}

/** Returns how long one comparison takes, in milliseconds. */
function timeHash(cost: number): number {
  const hash = bcrypt.hashSync(PASSWORD, cost);
  const startedAt = performance.now();
  bcrypt.compareSync(PASSWORD, hash);
  return performance.now() - startedAt;
}

/** In a random order, so that no kind always follows the same other one. */
function shuffled(kinds: readonly Kind[]): readonly Kind[] {
  return kinds
    .map((kind) => ({ kind, place: Math.random() }))
    .sort((one, other) => one.place - other.place)
    .map(({ kind }) => kind);
}

async function measure(stand: Stand, each: number, cost: number): Promise<Times> {
  const address = `127.0.0.1:${stand.latchkey.port}`;
  const plaintext = { credentials: { kind: 'plaintext' }, mode: 'remote', timeoutMs: TIMEOUT_MS } as const;
  const admin = connect(address, { ...plaintext, serviceAccount: stand.admin });
  const client = connect(address, plaintext);
  try {
    const { users, kinds } = await prepare(stand, admin);
    const refusals = new Map<string, number[]>(kinds.map(({ name }) => [name, []]));
    const hashes: number[] = [];
    for (let attempt = 0; attempt < each; attempt += 1) {
      if (attempt % ROUNDS_PER_LIFT === 0) {
        for (const { userId } of users) await admin.users.liftLoginLimits({ userId });
        hashes.push(timeHash(cost));
      }
      if (attempt > 0 && attempt % PROGRESS_EVERY === 0) {
        console.log(`\nAfter ${attempt} of ${each}:`);
        report({ refusals, hashes });
      }
      for (const kind of shuffled(kinds)) {
        refusals.get(kind.name)?.push(await timeRefusal(client, kind, attempt));
      }
    }
    return { refusals, hashes };
  } finally {
    await Promise.all([admin.close(), client.close()]);
  }
}

/** Prints the medians. Returns whether all are within the bar. */
function report({ refusals, hashes }: Times): boolean {
  const hashMs = median(hashes);
  const medians = [...refusals].map(([name, timesMs]) => ({ name, ms: median(timesMs) }));
  const lowest = Math.min(...medians.map(({ ms }) => ms));
  const share = (ms: number) => (ms - lowest) / hashMs;
  console.log(
    `One hash takes ${hashMs.toFixed(2)} ms. The medians must differ by less than ${BAR * 100} % of that.\n`,
  );
  console.log('| refused sign-in | median, ms | above the lowest, in hashes |\n| --- | --- | --- |');
  for (const { name, ms } of medians) {
    console.log(`| ${name} | ${ms.toFixed(3)} | ${(share(ms) * 100).toFixed(2)} % |`);
  }
  return medians.every(({ ms }) => share(ms) < BAR);
}

if (values.help) {
  console.log(USAGE);
} else {
  const { each, cost } = {
    each: numberWithin(values.each, 10, 100_000),
    cost: numberWithin(values.cost, 10, 14),
  };
  const settings = {
    LATCHKEY_BCRYPT_COST: String(cost),
    LATCHKEY_LOGIN_FAILURES_PER_ADDRESS: '100000',
  };
  const times = await withStand((stand) => measure(stand, each, cost), settings);
  process.exitCode = report(times) ? 0 : 1;
}
