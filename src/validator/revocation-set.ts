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
