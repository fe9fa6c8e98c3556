import { busyBetween, mainThreadCpuMs } from '../cpu.ts';

/** What a stretch of load took, of the server and of the process that made it. */
export interface Stretch {
  readonly seconds: number;
  readonly serverBusy: number | undefined;
  readonly senderBusy: number;
}

/** Starts to measure; call what it returns at the end. */
export function startStretch(serverPid: number): () => Stretch {
  const cpu = process.cpuUsage();
  const before = { cpuMs: mainThreadCpuMs(serverPid), atMs: performance.now() };
  return () => {
    const after = { cpuMs: mainThreadCpuMs(serverPid), atMs: performance.now() };
    const used = process.cpuUsage(cpu);
    return {
      seconds: (after.atMs - before.atMs) / 1000,
      serverBusy: busyBetween(before, after),
      senderBusy: (used.user + used.system) / 1000 / (after.atMs - before.atMs),
    };
  };
}
