const REVISION = /^(0|[1-9]\d{0,15})-(0|[1-9]\d{0,15})$/;

/** Whether the text is a revision: `<milliseconds>-<sequence>`, the form of a Redis stream id. */
export function isRevision(text: string): boolean {
  return REVISION.test(text);
}

/** Whether the revision `known` includes `wanted`. `known` undefined: nothing is known. */
export function reaches(known: string | undefined, wanted: string): boolean {
  if (known === undefined) return false;
  if (known === wanted) return true;
  const [knownMs = 0, knownSequence = 0] = known.split('-').map(Number);
  const [wantedMs = 0, wantedSequence = 0] = wanted.split('-').map(Number);
  return knownMs > wantedMs || (knownMs === wantedMs && knownSequence >= wantedSequence);
}

/** The later of the two revisions. */
export function later(a: string | undefined, b: string): string {
  return a !== undefined && reaches(a, b) ? a : b;
}
