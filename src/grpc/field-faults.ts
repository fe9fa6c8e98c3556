import { Failure, type FieldViolation } from '../core/failure.ts';

/** How long a text may be, in bytes of UTF-8. */
export interface TextBounds {
  /** 1 for a field that must be set. Default 0. */
  readonly min?: 0 | 1;
  readonly max: number;
}

/** A NUL is more than some databases can take, and the rest is for terminals, not for names. */
const CONTROL = /\p{Cc}/u;

/** Collects what is wrong with the fields of one request, so that the caller hears of all of it at once. */
export class FieldFaults {
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

  /** Runs a rule of the domain, which throws; what it says of fields is noted. */
  rule(check: () => void): void {
    try {
      check();
    } catch (error) {
      if (!(error instanceof Failure) || error.reason !== 'INVALID_FIELD') throw error;
      for (const { field, description } of error.violations) this.add(field, description);
    }
  }

  /** Throws INVALID_FIELD with every violation, if there is any. */
  throwIfAny(): void {
    const violations = this.#violations;
    if (violations === undefined) return;
    const message = violations.map(({ field, description }) => `${field}: ${description}`).join('; ');
    throw new Failure('INVALID_FIELD', message, { violations });
  }
}

/** A UTF-16 unit takes 1 to 3 bytes of UTF-8, so most texts need no counting. */
function longerThan(value: string, max: number): boolean {
  if (value.length * 3 <= max) return false;
  return value.length > max || Buffer.byteLength(value) > max;
}
