import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { ValidateRequest, ValidateResponse } from '../../../src/gen/latchkey/v1/identity.ts';
import { temporaryFolder } from '../processes.ts';
import { grpcFrame } from '../wire/frames.ts';
import { type EchoServer, startEcho } from './echo.ts';
import { type LatchkeyServer, newSite, type Site, startLatchkey } from './latchkey.ts';
import { People } from './people.ts';
import { type Redis, startRedis } from './redis.ts';

/** A fresh service with its own Redis, users and folder, and nothing that another scenario left behind. */
export interface Stand {
  readonly folder: string;
  readonly site: Site;
  readonly redis: Redis;
  readonly latchkey: LatchkeyServer;
  readonly people: People;
  /** Starts one more process of the same service. Stopped with the stand, if not before. */
  another(nodeOptions?: readonly string[]): Promise<LatchkeyServer>;
  /** An echo that answers as this service answers for the token. Stopped with the stand. */
  echoOf(accessToken: string): Promise<EchoServer & { readonly answerBytes: number }>;
  /** Writes a message, in its gRPC frame, to a file of the stand's folder. */
  writeFrame(message: Uint8Array): string;
}

/** bcrypt's cost where logins only prepare what is measured. */
export const QUICK_COST = 10;

/** Starts a stand, hands it to `use`, and takes it down whatever comes of it. */
export async function withStand<Result>(
  settings: Readonly<Record<string, string>>,
  use: (stand: Stand) => Promise<Result>,
): Promise<Result> {
  await using opened = new AsyncDisposableStack();
  const folder = temporaryFolder();
  opened.defer(() => folder.remove());
  const redis = await startRedis(folder.path);
  opened.defer(() => redis.stop());
  const site = newSite(redis.url, folder.path);
  const start = async (nodeOptions?: readonly string[]): Promise<LatchkeyServer> => {
    const server = await startLatchkey(site, settings, nodeOptions);
    opened.defer(() => server.stop());
    return server;
  };
  const latchkey = await start();
  const people = await People.gather(latchkey, site);
  opened.defer(() => people.close());

  let frames = 0;
  return await use({
    folder: folder.path,
    site,
    redis,
    latchkey,
    people,
    another: start,
    echoOf: async (accessToken) => {
      const answer = ValidateResponse.encode(await people.validate(accessToken)).finish();
      const echo = await startEcho(answer);
      opened.defer(() => echo.stop());
      return { ...echo, answerBytes: grpcFrame(answer).length };
    },
    writeFrame: (message) => {
      frames += 1;
      const file = path.join(folder.path, `frame-${frames}.bin`);
      writeFileSync(file, grpcFrame(message));
      return file;
    },
  });
}

export function validateRequest(accessToken: string): Uint8Array {
  const request = { accessToken, consistency: 0, audience: '', atLeastRevision: '' } as const;
  return ValidateRequest.encode(request).finish();
}
