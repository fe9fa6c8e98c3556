import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, type } from 'node:os';

/** What the numbers depend on, without anything that identifies the machine. */
export interface Machine {
  readonly cores: number;
  readonly cpu: string;
  readonly system: string;
  readonly node: string;
  readonly redis: string;
  readonly h2load: string;
}

/** Throws if a program that the bench needs is missing. */
export function describeMachine(): Machine {
  return {
    cores: availableParallelism(),
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    system: type(),
    node: process.versions.node,
    redis: versionOf('redis-server', /v=([\d.]+)/),
    h2load: versionOf('h2load', /nghttp2\/([\d.]+)/),
  };
}

function versionOf(program: string, pattern: RegExp): string {
  try {
    const output = execFileSync(program, ['--version'], { encoding: 'utf8' });
    return pattern.exec(output)?.[1] ?? 'unknown';
  } catch (cause) {
    throw new Error(`the bench needs ${program} (Debian: redis-server, nghttp2-client)`, { cause });
  }
}

/** The largest resident set that a process has had, in MB. */
export function peakMemory(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const [, kibibytes] = /^VmHWM:\s+(\d+) kB$/m.exec(status) ?? [];
  if (kibibytes === undefined) throw new Error('the bench needs /proc/PID/status, which Linux has');
  return (Number(kibibytes) * 1024) / 1e6;
}

/** From this share of the machine on, other processes change what is measured. */
export const QUIET_BELOW = 0.05;

/** Share of the cores that was in use in the last minute. Only of others while the bench has not begun. */
export function busyShare(): number {
  return (loadavg()[0] ?? 0) / availableParallelism();
}

/** Throws if the machine is too busy for numbers that are published. */
export function requireQuiet(busy: number): void {
  if (busy < QUIET_BELOW) return;
  throw new Error(`${(busy * 100).toFixed(0)} % of the machine is in use: publish from a quiet one`);
}
