import type { CallMetrics } from '../../../src/grpc/interceptors/metrics.ts';
import type { ServerLog } from '../../../src/grpc/server-log.ts';
import type { CallEnvironment } from '../../../src/grpc/service-registration.ts';
import type { AccessTokenClaims } from '../../../src/validator/access-token.ts';
import { rejected, type ValidationResult, type Verdict } from '../../../src/validator/verdict.ts';

export interface LogLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly fields: Readonly<Record<string, unknown>>;
  readonly message: string;
}

/** A log that records its lines. */
export class RecordingLog implements ServerLog {
  readonly lines: LogLine[] = [];

  debug(fields: object, message: string): void {
    this.lines.push({ level: 'debug', fields: { ...fields }, message });
  }

  info(fields: object, message: string): void {
    this.lines.push({ level: 'info', fields: { ...fields }, message });
  }

  warn(fields: object, message: string): void {
    this.lines.push({ level: 'warn', fields: { ...fields }, message });
  }

  error(fields: object, message: string): void {
    this.lines.push({ level: 'error', fields: { ...fields }, message });
  }

  at(level: LogLine['level']): readonly LogLine[] {
    return this.lines.filter((line) => line.level === level);
  }
}

/** Metrics that record each call as `rpc code`. */
export class RecordingMetrics implements CallMetrics {
  readonly calls: string[] = [];

  recorder: CallMetrics['recorder'] = ({ name }) => {
    return (code) => this.calls.push(`${name} ${code}`);
  };
}

/** The real clock, because these tests use real sockets with real deadlines. */
export const realClock = { now: () => Date.now(), monotonic: () => performance.now() };

/** The environment of a call, with a log and metrics that a test can read. */
export function testEnvironment(): CallEnvironment & { log: RecordingLog; callMetrics: RecordingMetrics } {
  let made = 0;
  return {
    ids: { next: () => `id-${++made}` },
    clock: realClock,
    log: new RecordingLog(),
    callMetrics: new RecordingMetrics(),
  };
}

export const T0 = Date.UTC(2026, 0, 1);

export function claimsOf(roles: readonly string[]): AccessTokenClaims {
  return {
    issuer: 'https://latchkey.test',
    audiences: ['latchkey'],
    userId: '019b7760-0000-7000-8000-000000000001',
    sessionId: '019b7760-0000-7000-8000-000000000002',
    sessionCreatedAt: T0,
    clientId: 'web',
    tokenId: 'token-1',
    roles,
    authenticationMethods: ['pwd'],
    authenticatedAt: T0,
    issuedAt: T0 + 1_000,
    expiresAt: T0 + 901_000,
  };
}

/** `good`, `service`, `front` and `admin` are accepted; `good` has no role. All others are MALFORMED. */
export function validateByName(accessToken: string): ValidationResult {
  const known = ['good', 'service', 'front', 'admin'].includes(accessToken);
  const roles = accessToken === 'good' ? [] : [accessToken];
  const verdict: Verdict = known
    ? { kind: 'accepted', claims: claimsOf(roles), encodedIdentity: undefined }
    : rejected('MALFORMED');
  return { verdict, asOf: T0 + 5_000, revision: '5-0' };
}
