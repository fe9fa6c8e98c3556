import { readFileSync } from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';
import { connect, type LatchkeyClient } from '../../../src/client/index.ts';
import { claimsOf } from '../servers/access-tokens.ts';
import type { ValidationsJob, ValidationsResult } from './job.ts';

/** A token as a request brings it: bytes, from which a new string is made each time; and whose it is. */
interface Received {
  readonly bytes: Buffer;
  readonly userId: string;
}

/** After so many validations a lane lets the event loop turn, as requests would. */
const VALIDATIONS_A_TURN = 512;
const WARM_UP_MS = 500;
/** Tokens that are new are verified in threads: several at a time are sooner done. */
const FIRST_PASS_LANES = 64;
/** Long enough for hundreds of thousands of times. */
const TIMED_MS = 1_000;
const MOST_TIMED = 4_000_000;

/** What a service with latchkey's client gets out of it. Every verdict must name the right user. */
export async function validations(job: ValidationsJob): Promise<ValidationsResult> {
  const received = readFileSync(job.tokenFile, 'latin1')
    .trimEnd()
    .split('\n')
    .map((token) => ({ bytes: Buffer.from(token), userId: claimsOf(token).sub }));
  const client = connect(`127.0.0.1:${job.port}`, { credentials: { kind: 'plaintext' }, mode: job.mode });
  try {
    await client.ready();
    const loop = new Loop(client, received);
    if (job.once) return { ...(await loop.once(job.lanes)), ...NOT_TIMED };
    // Each once, so that all have been seen; then until the code is compiled.
    await loop.once(FIRST_PASS_LANES);
    await loop.forMs(WARM_UP_MS, job.lanes);
    const result = await loop.forMs(job.seconds * 1000, job.lanes);
    return { ...result, ...(job.timed ? await loop.timedForMs(TIMED_MS) : NOT_TIMED) };
  } finally {
    await client.close();
  }
}

const NOT_TIMED = { p50Us: undefined, p99Us: undefined, timerUs: undefined } as const;

class Loop {
  readonly #client: LatchkeyClient;
  readonly #received: readonly Received[];
  #next = 0;

  constructor(client: LatchkeyClient, received: readonly Received[]) {
    this.#client = client;
    this.#received = received;
  }

  /** Every token once. */
  async once(lanes: number) {
    this.#next = 0;
    return await this.#run(lanes, () => this.#next < this.#received.length);
  }

  async forMs(ms: number, lanes: number) {
    const endsAt = performance.now() + ms;
    let asked = 0;
    let isOn = true;
    return await this.#run(lanes, () => {
      // The clock is not looked at each time.
      asked += 1;
      if (asked % 64 === 0) isOn = performance.now() < endsAt;
      return isOn;
    });
  }

  /** One at a time, with the clock read before and after each. */
  async timedForMs(ms: number) {
    const endsAt = performance.now() + ms;
    const times = new Float64Array(MOST_TIMED);
    let timed = 0;
    let answeredAt = 0;
    while (answeredAt < endsAt && timed < MOST_TIMED) {
      const { bytes, userId } = this.#take();
      const token = bytes.toString('latin1');
      const askedAt = performance.now();
      const validation = await this.#client.validate(token);
      answeredAt = performance.now();
      if (validation.kind !== 'accepted' || validation.identity.userId !== userId) throw wrongVerdict();
      times[timed] = answeredAt - askedAt;
      timed += 1;
      if (timed % VALIDATIONS_A_TURN === 0) await turn();
    }
    const sorted = times.subarray(0, timed).toSorted();
    const quantileUs = (share: number): number => (sorted[Math.ceil(timed * share) - 1] ?? 0) * 1000;
    return { p50Us: quantileUs(0.5), p99Us: quantileUs(0.99), timerUs: timerUs() };
  }

  async #run(lanes: number, isOn: () => boolean) {
    let answered = 0;
    const cpu = process.cpuUsage();
    const startedAt = performance.now();
    const lane = async (): Promise<void> => {
      for (let count = 1; isOn(); count += 1) {
        const { bytes, userId } = this.#take();
        const validation = await this.#client.validate(bytes.toString('latin1'));
        if (validation.kind !== 'accepted' || validation.identity.userId !== userId) throw wrongVerdict();
        answered += 1;
        if (count % VALIDATIONS_A_TURN === 0) await turn();
      }
    };
    await Promise.all(Array.from({ length: lanes }, lane));
    const elapsedMs = performance.now() - startedAt;
    const used = process.cpuUsage(cpu);
    const cores = (used.user + used.system) / 1000 / elapsedMs;
    return { validations: answered, seconds: elapsedMs / 1000, cores };
  }

  #take(): Received {
    const received = this.#received[this.#next % this.#received.length];
    this.#next += 1;
    if (received === undefined) throw new RangeError('there are no tokens');
    return received;
  }
}

/** What reading the clock twice costs, microseconds: part of every time that is told. */
function timerUs(): number {
  const reads = 100_000;
  const startedAt = performance.now();
  for (let read = 0; read < 2 * reads; read += 1) performance.now();
  return ((performance.now() - startedAt) / reads) * 1000;
}

function wrongVerdict(): Error {
  return new Error('the client did not name the user of a good token');
}
