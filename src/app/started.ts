/** The first user, as the start that made one tells it. */
export interface FirstUser {
  readonly username: string;
  /** If that was made too: to be shown once. Undefined: it was given. */
  readonly password: string | undefined;
}

/** What came of a start. */
export interface Started {
  /** Where gRPC is served, with the real port. */
  readonly address: string;
  /** Undefined: there are users already. */
  readonly firstUser: FirstUser | undefined;
}
