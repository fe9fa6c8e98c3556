import { readFileSync } from 'node:fs';
import { connect, type Validation } from '../../../src/client/index.ts';
import { claimsOf } from '../servers/sessions.ts';
import { quantile } from '../stats.ts';
import { type LoopResult, validateInLoop } from './validation-loop.ts';

const VALIDATIONS_A_TURN = 512;
const WARM_UP_SECONDS = 0.5;
/** New tokens are verified in threads, so several at a time are faster. */
const FIRST_PASS_LANES = 64;
/** Enough for hundreds of thousands of durations. */
const TIMED_SECONDS = 1;
const MOST_TIMES = 4_000_000;

export interface ClientJob {
  readonly port: number;
  readonly mode: 'local' | 'remote';
  /** Access tokens, one per line. */
  readonly tokenFile: string;
  /** How many validations run at the same time. */
  readonly lanes: number;
  /** How long to validate the tokens, all cached; seconds. Undefined: each token once, none cached. */
  readonly seconds?: number;
  /** Then validate for one second, one at a time, and time each one. */
  readonly timed: boolean;
}
export interface ClientResult extends LoopResult {
  /** The duration of a timed validation, and the share of the two clock reads in it; microseconds. */
  readonly timed?: { readonly p50Us: number; readonly p99Us: number; readonly clockUs: number };
}

/** Validates tokens with the client, as a service does. */
export async function validateWithClient(job: ClientJob): Promise<ClientResult> {
  const client = connect(`127.0.0.1:${job.port}`, { credentials: { kind: 'plaintext' }, mode: job.mode });
  const loop = {
    credentials: readFileSync(job.tokenFile, 'latin1')
      .trimEnd()
      .split('\n')
      .map((token) => ({ bytes: Buffer.from(token), userId: claimsOf(token).sub })),
    validate: (token: string) => client.validate(token),
    userIdOf: (verdict: Validation) => (verdict.kind === 'accepted' ? verdict.identity.userId : undefined),
    lanes: job.lanes,
    perTurn: VALIDATIONS_A_TURN,
  };
  try {
    await client.ready();
    if (job.seconds === undefined) return await validateInLoop(loop);
    // Validates each token once to fill the cache, then repeats until the code is compiled.
    await validateInLoop({ ...loop, lanes: FIRST_PASS_LANES });
    await validateInLoop({ ...loop, seconds: WARM_UP_SECONDS });
    const result = await validateInLoop({ ...loop, seconds: job.seconds });
    if (!job.timed) return result;
    const times = new Float64Array(MOST_TIMES);
    const { validations } = await validateInLoop({ ...loop, lanes: 1, seconds: TIMED_SECONDS, times });
    const taken = times.subarray(0, validations);
    const quantileUs = (share: number): number => quantile(taken, share) * 1000;
    return { ...result, timed: { p50Us: quantileUs(0.5), p99Us: quantileUs(0.99), clockUs: clockUs() } };
  } finally {
    await client.close();
  }
}

/** The duration of two clock reads; microseconds. */
function clockUs(): number {
  const reads = 100_000;
  const startedAt = performance.now();
  for (let read = 0; read < 2 * reads; read += 1) performance.now();
  return ((performance.now() - startedAt) / reads) * 1000;
}
