/** The first user, created at the first start. */
export interface FirstUser {
  readonly username: string;
  /** The generated password, to be shown once. Undefined if a password was configured. */
  readonly password: string | undefined;
}

/** The result of a start. */
export interface Started {
  /** The gRPC address, with the actual port. */
  readonly address: string;
  /** Undefined if users already existed. */
  readonly firstUser: FirstUser | undefined;
}

/** The running service, in this process or in workers. */
export interface App extends Started {
  /** The URL of metrics and HTTP health. Undefined: there is none. */
  readonly metricsUrl: string | undefined;
  /** Drains and closes everything. Resolves with whether all calls in progress completed. */
  close(): Promise<boolean>;
}
