import { readFileSync } from 'node:fs';
import { IdentityServiceService } from '../../../src/gen/latchkey/v1/identity.ts';
import { GrpcConnection } from '../../http2/connection.ts';
import { requireIdentity, validateFrame } from '../../http2/validate.ts';
import { LOAD } from './h2load.ts';

export interface FloodJob {
  readonly port: number;
  /** Access tokens, one per line. */
  readonly tokenFile: string;
  /** How many answers to skip before the measurement. */
  readonly warmUp: number;
  /** How long to repeat the tokens after the warm-up; seconds. Undefined: send each once. */
  readonly seconds?: number;
}
export interface FloodResult {
  readonly answers: number;
  readonly seconds: number;
}

/** Sends access tokens to Validate as fast as the server answers. Checks every answer. */
export async function flood({ port, tokenFile, warmUp, seconds }: FloodJob): Promise<FloodResult> {
  const frames = readFileSync(tokenFile, 'latin1').trimEnd().split('\n').map(validateFrame);
  if (seconds === undefined && frames.length <= warmUp)
    throw new Error('fewer tokens than the warm-up needs');
  const connections = await GrpcConnection.openMany(
    LOAD.connections,
    port,
    IdentityServiceService.validate.path,
  );

  let next = 0;
  let answers = 0;
  let startedAt = performance.now();
  let endsAt = Number.POSITIVE_INFINITY;
  const nextFrame = (): Buffer | undefined => {
    if (seconds === undefined) return frames[next++];
    return performance.now() < endsAt ? frames[next++ % frames.length] : undefined;
  };
  const lane = async (connection: GrpcConnection): Promise<void> => {
    for (let frame = nextFrame(); frame !== undefined; frame = nextFrame()) {
      requireIdentity(await connection.ask(frame));
      answers += 1;
      if (answers === warmUp) {
        startedAt = performance.now();
        if (seconds !== undefined) endsAt = startedAt + seconds * 1000;
      }
    }
  };
  await Promise.all(
    connections.flatMap((connection) => Array.from({ length: LOAD.inFlight }, () => lane(connection))),
  );
  const elapsedMs = performance.now() - startedAt;
  for (const connection of connections) connection.close();
  return { answers: answers - warmUp, seconds: elapsedMs / 1000 };
}
