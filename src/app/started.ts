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

/** What serves, in this process or in those it supervises. */
export interface App extends Started {
  /** Where metrics and plain health are served; undefined: nowhere. */
  readonly metricsUrl: string | undefined;
  /** Drains and closes everything. Answers whether every call under way came to its end. */
  close(): Promise<boolean>;
}
