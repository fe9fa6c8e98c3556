import { readFileSync } from 'node:fs';
import { connect, type Validation } from '../../../src/client/index.ts';
import { claimsOf } from '../servers/sessions.ts';
import { quantile } from '../stats.ts';
import { type LoopResult, validateInLoop } from './validation-loop.ts';

const VALIDATIONS_A_TURN = 512;
const WARM_UP_SECONDS = 0.5;
/** New tokens are verified in threads: several at a time are done sooner. */
const FIRST_PASS_LANES = 64;
/** Long enough for hundreds of thousands of times. */
const TIMED_SECONDS = 1;
const MOST_TIMES = 4_000_000;

export interface ClientJob {
  readonly port: number;
  readonly mode: 'local' | 'remote';
  /** Access tokens, one a line. */
  readonly tokenFile: string;
  /** How many validations are in flight. */
  readonly lanes: number;
  /** Validate the tokens, all seen before, for this long. Undefined: each once, never seen before. */
  readonly seconds?: number;
  /** Go on for a second, one at a time, with the clock read around each. */
  readonly timed: boolean;
}
export interface ClientResult extends LoopResult {
  /** Microseconds of a validation that was timed, and the part of it that reading the clock twice takes. */
  readonly timed?: { readonly p50Us: number; readonly p99Us: number; readonly clockUs: number };
}

/** Validates tokens with latchkey's client, as a service does. */
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
    // Each token once, so that all have been seen; then until the code is compiled.
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

/** What reading the clock twice takes, microseconds. */
function clockUs(): number {
  const reads = 100_000;
  const startedAt = performance.now();
  for (let read = 0; read < 2 * reads; read += 1) performance.now();
  return ((performance.now() - startedAt) / reads) * 1000;
}
