import { status } from '@grpc/grpc-js';
import { LatchkeyError } from './errors.ts';
import { type NamesOf, unknownOption } from './option-names.ts';
import type { Requirements } from './validation.ts';

const REQUIREMENT_NAMES: NamesOf<Requirements> = {
  consistency: true,
  audience: true,
  atLeastRevision: true,
  signal: true,
};

/** Why the requirements of a validation are invalid. Undefined: they are valid. */
export function requirementsProblem(
  requirements: Requirements | null | undefined,
): LatchkeyError | undefined {
  if (requirements === undefined || requirements === null) return undefined;
  const unknown = unknownOption(requirements, REQUIREMENT_NAMES);
  if (unknown !== undefined) return new LatchkeyError(status.INVALID_ARGUMENT, unknown);
  const consistency: unknown = requirements.consistency;
  if (consistency === undefined || consistency === 'bounded' || consistency === 'strong') return undefined;
  const message = `consistency is ${JSON.stringify(consistency) ?? typeof consistency}; it must be bounded or strong.`;
  return new LatchkeyError(status.INVALID_ARGUMENT, message);
}
