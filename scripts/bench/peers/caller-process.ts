// Started by ./caller.ts: one service that validates what its requests bring, in one of the ways of ./arm.ts.
import { setImmediate as turn } from 'node:timers/promises';
import type { Arm, ArmName, ArmRun, ArmSetup, CallerAnswer, CallerOrder, LogoutsFelt } from './arm.ts';
import { expressSession } from './express-session.ts';
import { fastifyJwt, fastifyJwtAlone } from './fastify-jwt.ts';
import { latchkeyLocal, latchkeyRemote, latchkeyRpc } from './latchkey.ts';
import { oidcIntrospection } from './oidc-provider.ts';

const IN_FLIGHT = 32;
/** Credentials in use; the others are logged out, one after the other, when all is measured. */
const IN_USE = 64;
/** After so many validations a lane lets the event loop turn: one that answers at once would hold up all else. */
const VALIDATIONS_A_TURN = 64;
/** As many answers as are timed at most; more are counted, not timed. */
const TIMED = 4_000_000;
const GIVEN_UP_MS = 10_000;

const openers: Readonly<Record<ArmName, (setup: ArmSetup) => Promise<Arm>>> = {
  'latchkey-local': latchkeyLocal,
  'latchkey-remote': latchkeyRemote,
  'latchkey-rpc': latchkeyRpc,
  'express-session': expressSession,
  'fastify-jwt': fastifyJwt,
  'fastify-jwt-alone': fastifyJwtAlone,
  'oidc-provider': oidcIntrospection,
};
let opened: Arm | undefined;
const times = new Float64Array(TIMED);

process.env['NODE_ENV'] = 'production';
process.on('disconnect', () => process.exit(1));
process.on('message', (order: CallerOrder) => {
  answerTo(order).then(
    (answer) => process.send?.(answer),
    (error: unknown) => {
      const problem = error instanceof Error ? (error.stack ?? error.message) : String(error);
      process.send?.({ kind: 'failed', problem } satisfies CallerAnswer);
    },
  );
});

async function answerTo(order: CallerOrder): Promise<CallerAnswer> {
  if (order.kind === 'open') {
    opened = await openers[order.arm](order.setup);
    return { kind: 'opened' };
  }
  if (opened === undefined) throw new Error('no arm is open');
  if (order.kind === 'measure') return { kind: 'measured', run: await measure(opened, order.seconds) };
  return { kind: 'logged-out', stillYesMs: await logOutTheRest(opened) };
}

async function measure({ credentials, validate }: Arm, seconds: number): Promise<ArmRun> {
  const inUse = credentials
    .slice(0, IN_USE)
    .map(({ text, userId }) => ({ bytes: Buffer.from(text), userId }));
  let validations = 0;
  const cpu = process.cpuUsage();
  const startedAt = performance.now();
  const endsAt = startedAt + seconds * 1000;
  const lane = async (_: unknown, number: number): Promise<void> => {
    for (let at = number, now = startedAt; now < endsAt; at += 1) {
      const { bytes, userId } = inUse[at % inUse.length] ?? { bytes: Buffer.of(), userId: '' };
      const text = bytes.toString('latin1');
      const askedAt = performance.now();
      if ((await validate(text)) !== userId) throw new Error(`${userId} was not told by a good credential`);
      now = performance.now();
      if (validations < TIMED) times[validations] = now - askedAt;
      validations += 1;
      if (at % VALIDATIONS_A_TURN === 0) await turn();
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, lane));
  const elapsedMs = performance.now() - startedAt;
  const used = process.cpuUsage(cpu);
  const sorted = times.subarray(0, Math.min(validations, TIMED)).toSorted();
  const quantileUs = (share: number): number => (sorted[Math.ceil(sorted.length * share) - 1] ?? 0) * 1000;
  return {
    validations,
    seconds: elapsedMs / 1000,
    p50Us: quantileUs(0.5),
    p99Us: quantileUs(0.99),
    cpuUs: (used.user + used.system) / validations,
  };
}

/** Logs out one at a time, and asks over and over until the answer is no. */
async function logOutTheRest({ credentials, validate, logout }: Arm): Promise<LogoutsFelt | undefined> {
  if (logout === undefined) return undefined;
  const stillYesMs: number[] = [];
  for (const { text, userId } of credentials.slice(IN_USE)) {
    if ((await validate(text)) !== userId) throw new Error(`${userId} was not told by a good credential`);
    await logout(text);
    const answeredAt = performance.now();
    let lastYesAt = answeredAt;
    while ((await validate(text)) !== undefined) {
      lastYesAt = performance.now();
      if (lastYesAt > answeredAt + GIVEN_UP_MS) throw new Error(`${userId} is not logged out`);
      await turn();
    }
    stillYesMs.push(lastYesAt - answeredAt);
  }
  return stillYesMs;
}
