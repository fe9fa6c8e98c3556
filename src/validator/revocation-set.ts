/** The end of one session, or of all sessions of a user up to a cut-off. Times are milliseconds since 1970. */
export type Revocation =
  | {
      readonly kind: 'session';
      readonly userId: string;
      readonly sessionId: string;
      /** A name of `EndReason`. */
      readonly reason: string;
      readonly endedAt: number;
      /** No access token of the session is live after this time, so the entry can be dropped. */
      readonly expiresAt: number;
    }
  | {
      readonly kind: 'user';
      readonly userId: string;
      /** Sessions whose id was created at or before this time have ended. */
      readonly cutoff: number;
      readonly reason: string;
      readonly endedAt: number;
      readonly expiresAt: number;
    };

type SessionRevocation = Extract<Revocation, { kind: 'session' }>;
type UserRevocation = Extract<Revocation, { kind: 'user' }>;

/**
 * Revocations that may still have live access tokens. A look-up is one map access for the session and one for the user.
 * Memory is bounded by the revocations of one access token lifetime.
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

  /** Ignores an entry that is already held: the first reason stays. */
  add(revocation: Revocation): void {
    if (this.has(revocation)) return;
    if (revocation.kind === 'session') {
      this.#sessions.set(revocation.sessionId, revocation);
      return;
    }
    const cutoffs = this.#users.get(revocation.userId) ?? [];
    this.#users.set(
      revocation.userId,
      [...cutoffs, revocation].sort((a, b) => a.cutoff - b.cutoff),
    );
  }

  /** Why the session has ended; undefined: no revocation is held. */
  endReasonOf(userId: string, sessionId: string, sessionCreatedAt: number): string | undefined {
    const session = this.#sessions.get(sessionId);
    if (session !== undefined) return session.reason;
    return this.#users.get(userId)?.find(({ cutoff }) => sessionCreatedAt <= cutoff)?.reason;
  }

  /** Whether this entry, or an equivalent one, is held. */
  has(revocation: Revocation): boolean {
    return revocation.kind === 'session'
      ? this.#sessions.has(revocation.sessionId)
      : (this.#users.get(revocation.userId) ?? []).some(({ cutoff }) => cutoff === revocation.cutoff);
  }

  /**
   * Drops entries that no live token needs. Entries arrive nearly in order of expiry, so the scan stops at the first
   * one still needed. An entry that is out of order is dropped a little later.
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

  /** All held entries. */
  *entries(): Generator<Revocation> {
    yield* this.#sessions.values();
    for (const cutoffs of this.#users.values()) yield* cutoffs;
  }
}
