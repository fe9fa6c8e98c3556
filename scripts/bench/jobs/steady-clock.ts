/** Milliseconds by the machine's monotonic clock, which all processes of it share. */
export function steadyMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
