const REVISION = /^(0|[1-9]\d{0,15})-(0|[1-9]\d{0,15})$/;

/** Whether the text is a place in the log: `<milliseconds>-<sequence>`, the form of a Redis stream id. */
export function isRevision(text: string): boolean {
  return REVISION.test(text);
}

/** Whether a reader that knows the log up to `known` (undefined: nothing of it) knows `wanted`. */
export function reaches(known: string | undefined, wanted: string): boolean {
  if (known === undefined) return false;
  if (known === wanted) return true;
  const [knownMs = 0, knownSequence = 0] = known.split('-').map(Number);
  const [wantedMs = 0, wantedSequence = 0] = wanted.split('-').map(Number);
  return knownMs > wantedMs || (knownMs === wantedMs && knownSequence >= wantedSequence);
}

/** The later of the two. */
export function later(a: string | undefined, b: string): string {
  return a !== undefined && reaches(a, b) ? a : b;
}
