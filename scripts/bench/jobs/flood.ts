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
  if (frames.length <= job.warmUp) throw new Error('there are fewer tokens than the warm-up takes');
  const connections = await Promise.all(
    Array.from({ length: LOAD.connections }, () =>
      GrpcConnection.open(job.port, IdentityServiceService.validate.path),
    ),
  );

  let next = 0;
  let answers = 0;
  let finish = startStretch(job.serverPid);
  const lane = async (connection: GrpcConnection): Promise<void> => {
    for (let frame = frames[next++]; frame !== undefined; frame = frames[next++]) {
      demandIdentity(await connection.ask(frame));
      answers += 1;
      if (answers === job.warmUp) finish = startStretch(job.serverPid);
    }
  };
  await Promise.all(
    connections.flatMap((connection) => Array.from({ length: LOAD.inFlight }, () => lane(connection))),
  );
  const stretch = finish();
  await Promise.all(connections.map((connection) => connection.close()));
  return { answers: answers - job.warmUp, ...stretch };
}
