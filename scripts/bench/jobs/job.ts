// What a load process is told to do, and what it answers. Each job runs in a process of its own, so that
// neither its garbage nor its event loop is anybody else's.

/** Sends the access tokens of a file to Validate, as fast as the server takes them. */
export interface FloodJob {
  readonly kind: 'flood';
  readonly port: number;
  readonly tokenFile: string;
  /** How many answers come before the clock starts. */
  readonly warmUp: number;
  /** Go on with them, over and over, for so long after the warm-up. Undefined: each is sent once. */
  readonly seconds?: number;
  readonly serverPid: number;
}
export interface FloodResult {
  readonly answers: number;
  readonly seconds: number;
  /** Share of the time in which the server's main thread, or this process, was on a core. */
  readonly serverBusy: number | undefined;
  readonly senderBusy: number;
}

/** Refreshes each session over and over, with the refresh token that the last answer gave. */
export interface RefreshJob {
  readonly kind: 'refresh';
  readonly port: number;
  /** The current refresh token of each session; one refresh of a session is in flight at a time. */
  readonly refreshTokens: readonly string[];
  /** How many are in flight in all; each lane goes round its share of the sessions. Undefined: all sessions. */
  readonly lanes?: number;
  /** When to stop: after so many seconds, or refreshes. */
  readonly until: { readonly seconds: number } | { readonly refreshes: number };
  /** Where to put every access token that came of it, one a line. Undefined: nowhere. */
  readonly tokenFile?: string;
  readonly serverPid: number;
}
export interface RefreshResult {
  readonly refreshes: number;
  readonly seconds: number;
  /** The latest of each session, in the order they were given. */
  readonly refreshTokens: readonly string[];
  /** As above; empty where a session was not refreshed. */
  readonly accessTokens: readonly string[];
  readonly serverBusy: number | undefined;
  readonly senderBusy: number;
}

/** Sends Validate at a steady rate, whether or not answers come; seen and new tokens in turn. */
export interface PaceJob {
  readonly kind: 'pace';
  readonly port: number;
  readonly perSecond: number;
  readonly seconds: number;
  readonly seenTokens: readonly string[];
  /** Tokens the server has never seen; half of `perSecond * seconds` are needed. */
  readonly newTokens: readonly string[];
}
export interface PaceResult {
  /** Milliseconds from the call to its answer. */
  readonly seenMs: readonly number[];
  readonly newMs: readonly number[];
  /** Milliseconds by which each call was sent later than the steady rate demanded. */
  readonly lateMs: readonly number[];
}

/** Keeps logins in flight until told to finish, then waits for the last answers. */
export interface LoginJob {
  readonly kind: 'login';
  readonly port: number;
  readonly credentials: readonly { readonly username: string; readonly password: string }[];
  readonly inFlight: number;
}
export interface LoginJobResult {
  /** When each login was answered, in milliseconds since some instant. */
  readonly answeredAtMs: readonly number[];
}

export interface JobResults {
  readonly flood: FloodResult;
  readonly refresh: RefreshResult;
  readonly pace: PaceResult;
  readonly login: LoginJobResult;
}
export type Job = FloodJob | RefreshJob | PaceJob | LoginJob;

/** From a load process: the load is on, or the job is done, or it failed. */
export type Report =
  | { readonly kind: 'started' }
  | { readonly kind: 'done'; readonly result: JobResults[keyof JobResults] }
  | { readonly kind: 'failed'; readonly problem: string };
