import { setImmediate as turn } from 'node:timers/promises';
import { validateInLoop } from '../load/validation-loop.ts';
import type { IssuedToken } from '../servers/sessions.ts';
import { quantile } from '../stats.ts';
import { expressSession } from './express-session.ts';
import { fastifyJwt, fastifyJwtAlone } from './fastify-jwt.ts';
import { latchkeyLocal, latchkeyRemote, latchkeyRpc } from './latchkey.ts';
import { type OidcStarted, oidcIntrospection } from './oidc-provider.ts';

/** The credential of a request, and the user it belongs to. */
export interface Credential {
  readonly text: string;
  readonly userId: string;
}

/** The inputs of an arm. The services that it needs are already running. */
export interface ArmSetup {
  readonly redisUrl: string;
  /** How many credentials to make. */
  readonly count: number;
  readonly latchkeyPort: number;
  /** Access tokens of latchkey. */
  readonly tokens: readonly IssuedToken[];
  readonly oidcProvider: OidcStarted;
}

/** A validation mode. One loop measures all of them. */
export interface Arm {
  readonly credentials: readonly Credential[];
  /** The user of the credential. Undefined: it is refused. */
  validate(credential: string): Promise<string | undefined>;
  /** Resolves when the logout was acknowledged. Undefined: there is no logout. */
  readonly logout?: (credential: string) => Promise<void>;
}

export interface ArmRun {
  readonly validations: number;
  readonly seconds: number;
  /** From the call to its answer; microseconds. */
  readonly p50Us: number;
  readonly p99Us: number;
  /** CPU time of all threads of the caller's process per validation; microseconds. */
  readonly cpuUs: number;
}

const openers = {
  'latchkey-local': latchkeyLocal,
  'latchkey-remote': latchkeyRemote,
  'latchkey-rpc': latchkeyRpc,
  'express-session': expressSession,
  'fastify-jwt': fastifyJwt,
  'fastify-jwt-alone': fastifyJwtAlone,
  'oidc-provider': oidcIntrospection,
} satisfies Readonly<Record<string, (setup: ArmSetup) => Promise<Arm>>>;
export type ArmName = keyof typeof openers;

const IN_FLIGHT = 32;
/** An arm that answers synchronously would block everything else. */
const VALIDATIONS_A_TURN = 64;
/** Maximum number of durations to keep. */
const MOST_TIMES = 4_000_000;
const LOGOUT_LIMIT_MS = 10_000;

const times = new Float64Array(MOST_TIMES);
let opened: Arm;

export async function open(name: ArmName, setup: ArmSetup): Promise<void> {
  opened = await openers[name](setup);
}

/** Validates the first `inUse` credentials repeatedly. */
export async function measure(seconds: number, inUse: number): Promise<ArmRun> {
  const { credentials, validate } = opened;
  const run = await validateInLoop({
    credentials: credentials
      .slice(0, inUse)
      .map(({ text, userId }) => ({ bytes: Buffer.from(text), userId })),
    validate,
    userIdOf: (userId) => userId,
    lanes: IN_FLIGHT,
    perTurn: VALIDATIONS_A_TURN,
    seconds,
    times,
  });
  const taken = times.subarray(0, run.validations);
  return {
    validations: run.validations,
    seconds: run.seconds,
    p50Us: quantile(taken, 0.5) * 1000,
    p99Us: quantile(taken, 0.99) * 1000,
    cpuUs: (run.cpuSeconds / run.validations) * 1e6,
  };
}

/**
 * Logs out the other credentials one at a time, and validates each until it is refused. Returns how long after each
 * logout's answer the credential was last accepted, in milliseconds; 0: never. Undefined: the arm has no logout.
 */
export async function logOutTheRest(inUse: number): Promise<readonly number[] | undefined> {
  const { credentials, validate, logout } = opened;
  if (logout === undefined) return undefined;
  const acceptedForMs: number[] = [];
  for (const { text, userId } of credentials.slice(inUse)) {
    if ((await validate(text)) !== userId) throw new Error(`a good credential of ${userId} was refused`);
    await logout(text);
    const answeredAt = performance.now();
    let lastAcceptedAt = answeredAt;
    while ((await validate(text)) !== undefined) {
      lastAcceptedAt = performance.now();
      if (lastAcceptedAt > answeredAt + LOGOUT_LIMIT_MS) throw new Error(`${userId} is not logged out`);
      await turn();
    }
    acceptedForMs.push(lastAcceptedAt - answeredAt);
  }
  return acceptedForMs;
}
