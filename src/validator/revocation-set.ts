/** Something that has ended: one session, or every session a user had at an instant. Times: milliseconds since 1970. */
export type Revocation =
  | {
      readonly kind: 'session';
      readonly userId: string;
      readonly sessionId: string;
      /** A name of `EndReason`. */
      readonly reason: string;
      readonly endedAt: number;
      /** From here on no access token of the session is alive: the entry can be forgotten. */
      readonly expiresAt: number;
    }
  | {
      readonly kind: 'user';
      readonly userId: string;
      /** Sessions whose id was made at or before this instant have ended. */
      readonly cutoff: number;
      readonly reason: string;
      readonly endedAt: number;
      readonly expiresAt: number;
    };

type SessionRevocation = Extract<Revocation, { kind: 'session' }>;
type UserRevocation = Extract<Revocation, { kind: 'user' }>;

/**
 * What has ended and may still have living access tokens. A look-up is one map access for the session and one
 * for the user; memory is bounded by the endings of one access token lifetime.
 */
export class RevocationSet {
  readonly #sessions = new Map<string, SessionRevocation>();
  readonly #users = new Map<string, readonly UserRevocation[]>();

  /** How many entries are held. */
  get size(): number {
    let size = this.#sessions.size;
    for (const cutoffs of this.#users.values()) size += cutoffs.length;
    return size;
  }

  /** Adding what is there already changes nothing: the first reason stays. */
  add(revocation: Revocation): void {
    if (revocation.kind === 'session') {
      if (!this.#sessions.has(revocation.sessionId)) this.#sessions.set(revocation.sessionId, revocation);
      return;
    }
    const cutoffs = this.#users.get(revocation.userId) ?? [];
    if (cutoffs.some(({ cutoff }) => cutoff === revocation.cutoff)) return;
    this.#users.set(
      revocation.userId,
      [...cutoffs, revocation].sort((a, b) => a.cutoff - b.cutoff),
    );
  }

  /** Why the session has ended; undefined: nothing is known against it. */
  endReasonOf(userId: string, sessionId: string, sessionCreatedAt: number): string | undefined {
    const session = this.#sessions.get(sessionId);
    if (session !== undefined) return session.reason;
    return this.#users.get(userId)?.find(({ cutoff }) => sessionCreatedAt <= cutoff)?.reason;
  }

  /** Whether this very entry, or one that says the same, is held. */
  has(revocation: Revocation): boolean {
    return revocation.kind === 'session'
      ? this.#sessions.has(revocation.sessionId)
      : (this.#users.get(revocation.userId) ?? []).some(({ cutoff }) => cutoff === revocation.cutoff);
  }

  /**
   * Drops entries that no living token can need. Entries come nearly in the order of their expiry, so the
   * walk over sessions ends at the first one that is still needed; one out of order is dropped a little late.
   */
  forget(now: number): void {
    for (const [sessionId, { expiresAt }] of this.#sessions) {
      if (expiresAt > now) break;
      this.#sessions.delete(sessionId);
    }
    for (const [userId, cutoffs] of this.#users) {
      const needed = cutoffs.filter(({ expiresAt }) => expiresAt > now);
      if (needed.length === cutoffs.length) break;
      this.#users.delete(userId);
      if (needed.length > 0) this.#users.set(userId, needed);
    }
  }

  /** Everything that is held. */
  *entries(): Generator<Revocation> {
    yield* this.#sessions.values();
    for (const cutoffs of this.#users.values()) yield* cutoffs;
  }
}
