import { setTimeout as delay } from 'node:timers/promises';
import {
  IdentityServiceService,
  LogoutRequest,
  LogoutResponse,
} from '../../../src/gen/latchkey/v1/identity.ts';
import { GrpcConnection } from '../../http2/connection.ts';
import { grpcFrame } from '../../http2/frames.ts';
import { isIdentity, validateFrame } from '../../http2/validate.ts';

/** Pause between two logouts, so that the effects of one end before the next; milliseconds. */
const PAUSE_MS = 10;
const POLL_LIMIT_MS = 5_000;

export interface LogoutJob {
  readonly ports: readonly number[];
  readonly accessTokens: readonly string[];
  /** Validate the token on every server until it is rejected. */
  readonly poll: boolean;
}
export interface LogoutResult {
  /** When each Logout was sent, by `monotonicMs`, in the order of the tokens. */
  readonly askedAtMs: readonly number[];
  /** By `monotonicMs`, in the order of the tokens. */
  readonly answeredAtMs: readonly number[];
  /** For each token, when each server first rejected it; empty if no server was called. */
  readonly rejectedAtMs: readonly (readonly number[])[];
}

/** Milliseconds by the machine's monotonic clock, which all processes share. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** Logs out the sessions of the tokens one by one, on each server in turn. */
export async function logOut({ ports, accessTokens, poll }: LogoutJob): Promise<LogoutResult> {
  const { logout, validate } = IdentityServiceService;
  const servers = await Promise.all(ports.map((port) => GrpcConnection.open(port, logout.path)));
  const polled = poll ? await Promise.all(ports.map((port) => GrpcConnection.open(port, validate.path))) : [];
  const askedAtMs: number[] = [];
  const answeredAtMs: number[] = [];
  const rejectedAtMs: number[][] = [];
  for (const [index, accessToken] of accessTokens.entries()) {
    const rejections = Promise.all(polled.map((server) => firstRejection(server, accessToken)));
    rejections.catch(() => undefined);
    const request = LogoutRequest.encode({ token: { $case: 'accessToken', value: accessToken } }).finish();
    askedAtMs.push(monotonicMs());
    const answer = await servers[index % servers.length]?.ask(grpcFrame(request));
    answeredAtMs.push(monotonicMs());
    if (answer === undefined || LogoutResponse.decode(answer).revision === '') {
      throw new Error('Logout answered without a revision');
    }
    rejectedAtMs.push(await rejections);
    await delay(PAUSE_MS);
  }
  for (const connection of [...servers, ...polled]) connection.close();
  return { askedAtMs, answeredAtMs, rejectedAtMs };
}

/** When the first rejection was received. Calls are sent one after the other. */
async function firstRejection(server: GrpcConnection, accessToken: string): Promise<number> {
  const frame = validateFrame(accessToken);
  const limit = monotonicMs() + POLL_LIMIT_MS;
  while (isIdentity(await server.ask(frame))) {
    if (monotonicMs() > limit) throw new Error('a server still accepts a token that was logged out');
  }
  return monotonicMs();
}
