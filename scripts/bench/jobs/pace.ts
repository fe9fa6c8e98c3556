import { setTimeout as delay } from 'node:timers/promises';
import { IdentityServiceService } from '../../../src/gen/latchkey/v1/identity.ts';
import { GrpcConnection } from '../wire/connection.ts';
import type { PaceJob, PaceResult } from './job.ts';
import { demandIdentity, validateFrame } from './verdicts.ts';

/**
 * Calls go out when they are due, not when earlier ones were answered: a server that stalls is asked all the
 * same, and every call that waits for it counts. Latency is taken from the call on; how late a call itself
 * was is reported beside it, so that a probe that could not keep its pace is seen.
 */
export async function pace(job: PaceJob): Promise<PaceResult> {
  const seenFrames = job.seenTokens.map(validateFrame);
  const newFrames = job.newTokens.map(validateFrame);
  const calls = job.perSecond * job.seconds;
  if (seenFrames.length === 0 || newFrames.length < Math.ceil(calls / 2)) {
    throw new Error('there are not tokens enough for the pace');
  }
  const connection = await GrpcConnection.open(job.port, IdentityServiceService.validate.path);
  for (const frame of seenFrames) demandIdentity(await connection.ask(frame));

  const result = { seenMs: [] as number[], newMs: [] as number[], lateMs: [] as number[] };
  const time = async (frame: Buffer, into: number[]): Promise<void> => {
    const sentAt = performance.now();
    demandIdentity(await connection.ask(frame));
    into.push(performance.now() - sentAt);
  };

  const startedAt = performance.now();
  const answers: Promise<void>[] = [];
  for (let index = 0; index < calls; index += 1) {
    const dueAt = startedAt + (index / job.perSecond) * 1000;
    while (performance.now() < dueAt) await delay(1);
    result.lateMs.push(performance.now() - dueAt);
    const frames = index % 2 === 0 ? seenFrames : newFrames;
    const frame = frames[(index >> 1) % frames.length];
    if (frame === undefined) throw new RangeError('no frame');
    const answer = time(frame, index % 2 === 0 ? result.seenMs : result.newMs);
    // A refusal is thrown below, once the pace is over.
    answer.catch(() => undefined);
    answers.push(answer);
  }
  await Promise.all(answers);
  await connection.close();
  return result;
}
