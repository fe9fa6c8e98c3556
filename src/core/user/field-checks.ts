import { Failure, type FieldViolation } from '../failure.ts';

/** Runs every check and throws one INVALID_FIELD with all violations. */
export function checkFields(...checks: readonly (() => void)[]): void {
  const failures = checks.flatMap(invalidFieldOf);
  const [first] = failures;
  if (first === undefined) return;
  if (failures.length === 1) throw first;
  const violations: readonly FieldViolation[] = failures.flatMap((failure) => failure.violations);
  throw new Failure('INVALID_FIELD', failures.map(({ message }) => message).join('; '), { violations });
}

function invalidFieldOf(check: () => void): readonly Failure[] {
  try {
    check();
    return [];
  } catch (error) {
    if (error instanceof Failure && error.reason === 'INVALID_FIELD') return [error];
    throw error;
  }
}
