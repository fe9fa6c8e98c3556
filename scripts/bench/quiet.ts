import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

/** Above this share of the machine, what others do is part of what is measured. */
export const QUIET_BELOW = 0.05;

const SAMPLE_MS = 2000;

/**
 * Share of all cores that is in use, or taken by the host, while the bench itself does nothing. Ratios forgive
 * a steady disturbance but not one that meets one arm only. Undefined where there is no /proc.
 */
export async function othersBusy(): Promise<number | undefined> {
  const before = readStat();
  await delay(SAMPLE_MS);
  const after = readStat();
  return before === undefined || after === undefined ? undefined : busyShare(before, after);
}

/** Share that was not idle between two first lines of /proc/stat; waiting for a disk counts as idle. */
export function busyShare(before: string, after: string): number {
  const [earlier, later] = [ticks(before), ticks(after)];
  const spent = later.map((value, index) => value - (earlier[index] ?? 0));
  const all = spent.reduce((sum, value) => sum + value, 0);
  const [, , , idle = 0, waiting = 0] = spent;
  return all === 0 ? 0 : 1 - (idle + waiting) / all;
}

/** user, nice, system, idle, iowait, irq, softirq and steal; what follows is counted in them already. */
function ticks(line: string): number[] {
  return line.trim().split(/\s+/).slice(1, 9).map(Number);
}

function readStat(): string | undefined {
  try {
    return readFileSync('/proc/stat', 'latin1').split('\n', 1)[0];
  } catch {
    return undefined;
  }
}
