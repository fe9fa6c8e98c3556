import { setImmediate as turn } from 'node:timers/promises';

/** A credential as a request brings it: bytes, from which a new string is made each time; and whose it is. */
export interface Received {
  readonly bytes: Buffer;
  readonly userId: string;
}

export interface ValidationLoop<Answer> {
  readonly credentials: readonly Received[];
  validate(credential: string): Promise<Answer>;
  /** Undefined: the credential was refused. */
  userIdOf(answer: Answer): string | undefined;
  /** How many validations are in flight. */
  readonly lanes: number;
  /** After so many validations a lane lets the event loop turn, as requests would. */
  readonly perTurn: number;
  /** Default: every credential once. */
  readonly seconds?: number;
  /** Where to write how long each validation took, milliseconds, as far as there is room. Undefined: nowhere. */
  readonly times?: Float64Array;
}

export interface LoopResult {
  readonly validations: number;
  readonly seconds: number;
  /** CPU time of this process, all its threads. */
  readonly cpuSeconds: number;
}

/** Validates the credentials in turn. Throws unless every answer names the right user. */
export async function validateInLoop<Answer>(loop: ValidationLoop<Answer>): Promise<LoopResult> {
  const { credentials, validate, userIdOf, lanes, perTurn, seconds, times } = loop;
  const most = seconds === undefined ? credentials.length : Number.POSITIVE_INFINITY;
  const cpu = process.cpuUsage();
  const startedAt = performance.now();
  const endsAt = startedAt + (seconds ?? Number.POSITIVE_INFINITY) * 1000;
  let asked = 0;
  let validations = 0;
  let isOn = true;
  const lane = async (): Promise<void> => {
    for (let count = 1; isOn && asked < most; count += 1) {
      const received = credentials[asked % credentials.length];
      if (received === undefined) throw new RangeError('there are no credentials');
      asked += 1;
      // The clock is not read each time.
      if (asked % 64 === 0) isOn = performance.now() < endsAt;
      const text = received.bytes.toString('latin1');
      const askedAt = times === undefined ? 0 : performance.now();
      if (userIdOf(await validate(text)) !== received.userId) {
        throw new Error(`a good credential was not answered with its user, ${received.userId}`);
      }
      if (times !== undefined) times[validations] = performance.now() - askedAt;
      validations += 1;
      if (count % perTurn === 0) await turn();
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  const { user, system } = process.cpuUsage(cpu);
  return {
    validations,
    seconds: (performance.now() - startedAt) / 1000,
    cpuSeconds: (user + system) / 1e6,
  };
}
