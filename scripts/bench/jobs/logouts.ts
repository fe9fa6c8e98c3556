import { setTimeout as delay } from 'node:timers/promises';
import {
  IdentityServiceService,
  LogoutRequest,
  LogoutResponse,
} from '../../../src/gen/latchkey/v1/identity.ts';
import { GrpcConnection } from '../wire/connection.ts';
import { grpcFrame } from '../wire/frames.ts';
import type { LogoutsJob, LogoutsResult } from './job.ts';
import { steadyMs } from './steady-clock.ts';
import { isIdentity, validateFrame } from './verdicts.ts';

/** Between two logouts: what one sets off is over by then. */
const PAUSE_MS = 10;
const GIVEN_UP_MS = 5_000;

/** Logs out one after the other, at each server in turn; asks every server meanwhile, where that is wanted. */
export async function logOut({ ports, accessTokens, poll }: LogoutsJob): Promise<LogoutsResult> {
  const { logout, validate } = IdentityServiceService;
  const doors = await Promise.all(ports.map((port) => GrpcConnection.open(port, logout.path)));
  const polled = poll ? await Promise.all(ports.map((port) => GrpcConnection.open(port, validate.path))) : [];
  const answeredAtMs: number[] = [];
  const rejectedAtMs: number[][] = [];
  for (const [index, accessToken] of accessTokens.entries()) {
    const rejections = Promise.all(polled.map((server) => firstRejection(server, accessToken)));
    rejections.catch(() => undefined);
    const door = doors[index % doors.length];
    if (door === undefined) throw new RangeError('no server');
    const request = LogoutRequest.encode({ token: { $case: 'accessToken', value: accessToken } }).finish();
    const answer = LogoutResponse.decode(await door.ask(grpcFrame(request)));
    answeredAtMs.push(steadyMs());
    if (answer.revision === '') throw new Error('Logout answered without a revision');
    rejectedAtMs.push(await rejections);
    await delay(PAUSE_MS);
  }
  await Promise.all([...doors, ...polled].map((connection) => connection.close()));
  return { answeredAtMs, rejectedAtMs };
}

/** When the answer came that was the first to reject; the next call goes out when the last one was answered. */
async function firstRejection(server: GrpcConnection, accessToken: string): Promise<number> {
  const frame = validateFrame(accessToken);
  const givenUpAt = steadyMs() + GIVEN_UP_MS;
  while (isIdentity(await server.ask(frame))) {
    if (steadyMs() > givenUpAt) throw new Error('a server goes on to accept a token that was logged out');
  }
  return steadyMs();
}
