import { Failure, type FieldViolation } from './failure.ts';

/** Length bounds of a string, in bytes of UTF-8. */
export interface TextBounds {
  /** 1 for a required field. Default 0. */
  readonly min?: 0 | 1;
  readonly max: number;
}

/** Some databases reject NUL, and other control characters can manipulate a terminal. */
const CONTROL = /\p{Cc}/u;

/** Collects the invalid fields of one request, so that one error reports all of them. */
export class FieldIssues {
  #violations: FieldViolation[] | undefined;

  /** @param field the field's path in the proto message, for example `device.name`. */
  add(field: string, description: string): void {
    this.#violations ??= [];
    this.#violations.push({ field, description });
  }

  text(field: string, value: string, { min = 0, max }: TextBounds): void {
    if (value.length < min) this.add(field, 'must not be empty');
    else if (longerThan(value, max)) this.add(field, `must be at most ${max} bytes of UTF-8`);
    else if (CONTROL.test(value)) this.add(field, 'must not contain control characters');
  }

  /** Runs a domain rule and collects the violations of the INVALID_FIELD that it throws. */
  rule(check: () => void): void {
    try {
      check();
    } catch (error) {
      if (!(error instanceof Failure) || error.reason !== 'INVALID_FIELD') throw error;
      for (const { field, description } of error.violations) this.add(field, description);
    }
  }

  /** Throws INVALID_FIELD with all violations, if there are any. */
  throwIfAny(): void {
    const violations = this.#violations;
    if (violations === undefined) return;
    const message = violations.map(({ field, description }) => `${field}: ${description}`).join('; ');
    throw new Failure('INVALID_FIELD', message, { violations });
  }
}

/** A UTF-16 unit takes 1 to 3 bytes of UTF-8, so most strings need no byte count. */
function longerThan(value: string, max: number): boolean {
  if (value.length * 3 <= max) return false;
  return value.length > max || Buffer.byteLength(value) > max;
}
