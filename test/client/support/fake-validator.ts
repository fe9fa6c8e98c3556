import { status } from '@grpc/grpc-js';
import type { GuardClient } from '../../../src/client/guard/admission.ts';
import { LatchkeyError } from '../../../src/client/transport/errors.ts';
import type { Revocation } from '../../../src/client/transport/revocation.ts';
import type { Identity, Requirements, Validation } from '../../../src/client/transport/validation.ts';

const T0 = Date.UTC(2026, 0, 1);

export const ADA: Identity = {
  userId: '019b7600-0000-7000-8000-00000000aaaa',
  sessionId: '019b7600-0000-7000-8000-00000000bbbb',
  clientId: 'web',
  roles: ['reader'],
  authenticationMethods: ['pwd'],
  authenticatedAt: new Date(T0),
  issuedAt: new Date(T0),
  expiresAt: new Date(T0 + 900_000),
};

/** The end of Ada's session. */
export const ADA_LOGGED_OUT: Extract<Revocation, { kind: 'session' }> = {
  kind: 'session',
  userId: ADA.userId,
  sessionId: ADA.sessionId,
  reason: 'LOGGED_OUT',
  endedAt: new Date(T0),
  expiresAt: new Date(T0 + 900_000),
};

/** The end of every session that Ada had at this instant; milliseconds since 1970. */
export const adaEndedUntil = (cutoff: number): Revocation => ({
  kind: 'user',
  userId: ADA.userId,
  cutoff: new Date(cutoff),
  reason: 'PASSWORD_CHANGED',
  endedAt: new Date(T0),
  expiresAt: new Date(T0 + 900_000),
});

/** When Ada's session began, according to its id. */
export const ADA_BEGAN = 0x019b76000000;

/** Validates by the token's name: `ada` and `admin` are valid, `expired` and `ended` are not, `down` fails. */
export class FakeValidator implements GuardClient {
  readonly asked: { readonly token: string; readonly requirements: Requirements | undefined }[] = [];
  readonly #listeners = new Set<(revocation: Revocation) => void>();
  /** Every verdict waits for this promise. */
  gate: Promise<unknown> = Promise.resolve();
  /** Tokens that are treated as another one from now on. */
  readonly renamed = new Map<string, string>();

  async validate(token: string, requirements?: Requirements): Promise<Validation> {
    this.asked.push({ token, requirements });
    await this.gate;
    const knowledge = { asOf: new Date(T0), revision: '1-0' };
    switch (this.renamed.get(token) ?? token) {
      case 'ada':
        return { kind: 'accepted', identity: ADA, ...knowledge };
      case 'admin':
        return { kind: 'accepted', identity: { ...ADA, roles: ['reader', 'admin'] }, ...knowledge };
      case 'expired':
        return { ...rejectedToken('EXPIRED', 'REFRESH'), ...knowledge };
      case 'ended':
        return { ...rejectedToken('SESSION_ENDED', 'LOGIN'), endReason: 'LOGGED_OUT', ...knowledge };
      case 'down':
        throw new LatchkeyError(status.UNAVAILABLE, 'Nobody answers.', { retryAfterMs: 2_500 });
      case 'unbelievable':
        throw new LatchkeyError(status.UNAUTHENTICATED, 'This service may not ask.');
      default:
        return { ...rejectedToken('MALFORMED', 'LOGIN'), ...knowledge };
    }
  }

  onRevocation(listener: (revocation: Revocation) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  revoke(revocation: Revocation): void {
    for (const listener of this.#listeners) listener(revocation);
  }
}

function rejectedToken(reason: 'EXPIRED' | 'SESSION_ENDED' | 'MALFORMED', nextStep: 'REFRESH' | 'LOGIN') {
  return { kind: 'rejected', reason, endReason: undefined, nextStep } as const;
}
