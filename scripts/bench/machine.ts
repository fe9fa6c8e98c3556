import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, type } from 'node:os';

/** Facts that affect the numbers, but do not identify the machine. */
export interface Machine {
  readonly cores: number;
  readonly cpu: string;
  readonly system: string;
  readonly node: string;
  readonly redis: string;
  readonly h2load: string;
}

/** Throws if a required program is missing. */
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

/** The peak resident set size of a process, in MB. */
export function peakMemory(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const [, kibibytes] = /^VmHWM:\s+(\d+) kB$/m.exec(status) ?? [];
  if (kibibytes === undefined) throw new Error('the bench needs /proc/PID/status, which Linux has');
  return (Number(kibibytes) * 1024) / 1e6;
}

/** Above this share of busy cores, other processes affect the results. */
export const QUIET_BELOW = 0.05;

/** Share of busy cores in the last minute. Before the bench starts, it shows only other processes. */
export function busyShare(): number {
  return (loadavg()[0] ?? 0) / availableParallelism();
}

/** Throws if the machine is too busy for published numbers. */
export function requireQuiet(busy: number): void {
  if (busy < QUIET_BELOW) return;
  throw new Error(`${(busy * 100).toFixed(0)} % of the machine is in use: publish from a quiet one`);
}
