import { setImmediate as turn } from 'node:timers/promises';

/** A credential as a request carries it, as bytes, and the user it belongs to. Each use makes a new string. */
export interface Received {
  readonly bytes: Buffer;
  readonly userId: string;
}

export interface ValidationLoop<Answer> {
  readonly credentials: readonly Received[];
  validate(credential: string): Promise<Answer>;
  /** Undefined: the credential was refused. */
  userIdOf(answer: Answer): string | undefined;
  /** How many validations run at the same time. */
  readonly lanes: number;
  /** After this many validations a lane yields to the event loop, as requests would. */
  readonly perTurn: number;
  /** Default: every credential once. */
  readonly seconds?: number;
  /** Where to write the duration of each validation, in milliseconds, while there is space. Undefined: nowhere. */
  readonly times?: Float64Array;
}

export interface LoopResult {
  readonly validations: number;
  readonly seconds: number;
  /** CPU time of all threads of this process. */
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
      // The clock is not read for every validation.
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
