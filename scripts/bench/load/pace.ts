import { setTimeout as delay } from 'node:timers/promises';
import { IdentityServiceService } from '../../../src/gen/latchkey/v1/identity.ts';
import { GrpcConnection } from '../../http2/connection.ts';
import { requireIdentity, validateFrame } from '../../http2/validate.ts';

export interface PaceJob {
  readonly port: number;
  readonly perSecond: number;
  readonly seconds: number;
  readonly seenTokens: readonly string[];
  /** Tokens that the server has not cached; half of `perSecond * seconds` are needed. */
  readonly newTokens: readonly string[];
}
export interface PaceResult {
  /** Milliseconds from the call to its answer. */
  readonly seenMs: readonly number[];
  readonly newMs: readonly number[];
  /** By how many milliseconds each call was sent too late. Shows that this process could not keep the rate. */
  readonly lateMs: readonly number[];
}

/**
 * Calls Validate at a constant rate, with cached and new tokens in turn. Calls are sent when they are due, not after
 * earlier answers. So while a server stalls, every waiting call counts.
 */
export async function pace(job: PaceJob): Promise<PaceResult> {
  const seenFrames = job.seenTokens.map(validateFrame);
  const newFrames = job.newTokens.map(validateFrame);
  const calls = job.perSecond * job.seconds;
  if (newFrames.length < Math.ceil(calls / 2)) throw new Error('not enough tokens for the pace');
  const connection = await GrpcConnection.open(job.port, IdentityServiceService.validate.path);
  for (const frame of seenFrames) requireIdentity(await connection.ask(frame));

  const result = { seenMs: [] as number[], newMs: [] as number[], lateMs: [] as number[] };
  const time = async (frame: Buffer | undefined, into: number[]): Promise<void> => {
    if (frame === undefined) throw new RangeError('no frame');
    const sentAt = performance.now();
    requireIdentity(await connection.ask(frame));
    into.push(performance.now() - sentAt);
  };

  const startedAt = performance.now();
  const answers: Promise<void>[] = [];
  for (let index = 0; index < calls; index += 1) {
    const dueAt = startedAt + (index / job.perSecond) * 1000;
    while (performance.now() < dueAt) await delay(1);
    result.lateMs.push(performance.now() - dueAt);
    const half = index >> 1;
    const answer =
      index % 2 === 0
        ? time(seenFrames[half % seenFrames.length], result.seenMs)
        : time(newFrames[half], result.newMs);
    // A rejection is thrown below, after all calls were sent.
    answer.catch(() => undefined);
    answers.push(answer);
  }
  await Promise.all(answers);
  connection.close();
  return result;
}
