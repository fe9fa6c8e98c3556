// npm run attack:requests: measures how costly requests slow down another caller. Everything is on loopback: a service,
// a good caller in this process, and an attacker in a thread.
import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { median, quantile } from '../bench/stats.ts';
import { startAttackedService } from './attacked-service.ts';
import type { Assault, Tally } from './attacker.ts';
import { type Attack, attacks } from './attacks.ts';
import { GoodCaller } from './good-caller.ts';

/** Maximum factor by which the good caller's median may grow. */
const BAR = 4;
const TRIES = 3;
const KINDS = ['open', 'token', 'mtls'] as const;
const COLUMNS = ['callers', 'attack', 'bytes', 'idle p50', 'p50', 'p99', 'ratio', 'below the bar', 'answers'];

const USAGE = `Usage: npm run attack:requests -- [options]
  --callers=KIND,...  settings of LATCHKEY_CALLER_AUTH: ${KINDS.join(', ')} (all)
  --only=TEXT         only attacks with this in their name
  --per-second=N      calls of the attacker, 1 to 1,000 (100)
  --seconds=N         length of an attack, 1 to 60 (3)
  --help              this

Exits with 1 if the good caller's median grows by ${BAR} times or more, ${TRIES} times in a row.`;

const { values } = parseArgs({
  options: {
    callers: { type: 'string', default: KINDS.join(',') },
    only: { type: 'string', default: '' },
    'per-second': { type: 'string', default: '100' },
    seconds: { type: 'string', default: '3' },
    help: { type: 'boolean', default: false },
  },
});

function within(text: string, most: number): number {
  return Math.min(Math.max(Math.trunc(Number(text)) || 1, 1), most);
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}

/** Returns the good caller's durations before and during the attack, in milliseconds. */
async function measure(assault: Assault, caller: GoodCaller) {
  await caller.untilRecovered();
  const idleMs = await caller.validateSteadily(1);
  const attacker = new Worker(new URL('./attacker.ts', import.meta.url), { workerData: assault });
  const message = once(attacker, 'message');
  const attackedMs = await caller.validateSteadily(assault.seconds);
  const [tally] = (await message) as [Tally];
  await attacker.terminate();
  return { idleMs, attackedMs, tally };
}

function verdict({ isLegitimate }: Attack, ratio: number): string {
  if (isLegitimate === true) return 'no bar';
  return ratio < BAR ? 'yes' : '**no**';
}

/** Repeats a measurement that missed the bar: other work on the machine can only increase the ratio. */
async function lowest(assault: Assault, caller: GoodCaller) {
  const measured = [];
  for (let tries = 0; tries < TRIES; tries += 1) {
    const { idleMs, attackedMs, tally } = await measure(assault, caller);
    measured.push({ idleMs, attackedMs, tally, ratio: median(attackedMs) / median(idleMs) });
    if (assault.attack.isLegitimate === true || measured.some(({ ratio }) => ratio < BAR)) break;
  }
  return measured.reduce((best, other) => (other.ratio < best.ratio ? other : best));
}

/** Returns whether every attack stayed below the bar. */
async function attackAll(callerAuth: (typeof KINDS)[number]): Promise<boolean> {
  const { target, accessToken, keyId, stop } = await startAttackedService(callerAuth);
  const perSecond = within(values['per-second'], 1_000);
  const seconds = within(values.seconds, 60);
  let missed = 0;
  try {
    const caller = new GoodCaller(target, accessToken);
    for (const attack of attacks(keyId).filter(({ name }) => name.includes(values.only))) {
      const assault = { target, attack, perSecond, seconds };
      const { idleMs, attackedMs, tally, ratio } = await lowest(assault, caller);
      if (attack.isLegitimate !== true && ratio >= BAR) missed += 1;
      const times = [median(idleMs), median(attackedMs), quantile(attackedMs, 0.99)];
      const answers = Object.entries(tally).map(([code, count]) => `${code}: ${count}`);
      console.log(
        row([
          callerAuth,
          attack.name,
          `${attack.body.length}`,
          ...times.map((ms) => ms.toFixed(2)),
          ratio.toFixed(1),
          verdict(attack, ratio),
          answers.join(', '),
        ]),
      );
    }
  } finally {
    await stop();
  }
  return missed === 0;
}

if (values.help) {
  console.log(USAGE);
} else {
  console.log('Times in ms; the answers to the attacker are gRPC statuses.\n');
  console.log(row(COLUMNS));
  console.log(row(COLUMNS.map(() => '---')));
  for (const kind of KINDS.filter((known) => values.callers.split(',').includes(known))) {
    if (!(await attackAll(kind))) process.exitCode = 1;
  }
}
