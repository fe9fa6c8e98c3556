import { readdirSync, readFileSync } from 'node:fs';

/** Length of the kernel's unit of CPU time in /proc: USER_HZ is 100 wherever Node runs on Linux. */
const TICK_MS = 10;

/** CPU time that a process's main thread has used, in milliseconds. Undefined where there is no /proc. */
export function mainThreadCpuMs(pid: number): number | undefined {
  const fields = threadFields(pid, pid);
  return fields === undefined ? undefined : (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

/** Nice values of the threads of a process that run at lower priority than 0. */
export function niceThreads(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`)
      .map((thread) => Number(threadFields(pid, Number(thread))?.[16] ?? 0))
      .filter((nice) => nice > 0);
  } catch {
    return [];
  }
}

interface CpuReading {
  readonly cpuMs: number | undefined;
  readonly atMs: number;
}

/** Share of the time between two readings that was spent on a core. */
export function busyBetween(before: CpuReading, after: CpuReading): number | undefined {
  if (before.cpuMs === undefined || after.cpuMs === undefined) return undefined;
  return (after.cpuMs - before.cpuMs) / (after.atMs - before.atMs);
}

/** The fields of proc_pid_stat(5) from the third (state) on: the second may hold spaces and brackets. */
function threadFields(pid: number, thread: number): string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/task/${thread}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}
