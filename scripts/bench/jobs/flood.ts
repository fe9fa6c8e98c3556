import { readFileSync } from 'node:fs';
import { IdentityServiceService } from '../../../src/gen/latchkey/v1/identity.ts';
import { LOAD } from '../h2load.ts';
import { GrpcConnection } from '../wire/connection.ts';
import type { FloodJob, FloodResult } from './job.ts';
import { startStretch } from './stopwatch.ts';
import { demandIdentity, validateFrame } from './verdicts.ts';

/** Every frame is made before the clock starts, and every answer is looked at. */
export async function flood(job: FloodJob): Promise<FloodResult> {
  const frames = readFileSync(job.tokenFile, 'latin1').trimEnd().split('\n').map(validateFrame);
  const { warmUp, seconds } = job;
  if (seconds === undefined && frames.length <= warmUp) {
    throw new Error('there are fewer tokens than the warm-up takes');
  }
  const connections = await Promise.all(
    Array.from({ length: LOAD.connections }, () =>
      GrpcConnection.open(job.port, IdentityServiceService.validate.path),
    ),
  );

  let next = 0;
  let answers = 0;
  let endsAt = Number.POSITIVE_INFINITY;
  let finish = startStretch(job.serverPid);
  const nextFrame = (): Buffer | undefined => {
    if (seconds === undefined) return frames[next++];
    return performance.now() < endsAt ? frames[next++ % frames.length] : undefined;
  };
  const lane = async (connection: GrpcConnection): Promise<void> => {
    for (let frame = nextFrame(); frame !== undefined; frame = nextFrame()) {
      demandIdentity(await connection.ask(frame));
      answers += 1;
      if (answers === warmUp) {
        finish = startStretch(job.serverPid);
        if (seconds !== undefined) endsAt = performance.now() + seconds * 1000;
      }
    }
  };
  await Promise.all(
    connections.flatMap((connection) => Array.from({ length: LOAD.inFlight }, () => lane(connection))),
  );
  const stretch = finish();
  await Promise.all(connections.map((connection) => connection.close()));
  return { answers: answers - warmUp, ...stretch };
}
