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

/** Validates the tokens of a file with latchkey's client. */
export interface ValidationsJob {
  readonly kind: 'validations';
  readonly port: number;
  readonly mode: 'local' | 'remote';
  readonly tokenFile: string;
  /** How many validations are in flight. */
  readonly lanes: number;
  /** Each token once, never seen before; or all of them over and over for `seconds`, each seen before. */
  readonly once: boolean;
  readonly seconds: number;
  /** Go on for a second, one at a time, with the clock read around each. */
  readonly timed: boolean;
}
export interface ValidationsResult {
  readonly validations: number;
  readonly seconds: number;
  /** How many cores this process used, all its threads. */
  readonly cores: number;
  /** Microseconds of a validation that was timed, and what reading the clock twice takes of it. */
  readonly p50Us: number | undefined;
  readonly p99Us: number | undefined;
  readonly timerUs: number | undefined;
}

/** Local validators that note when they feel that a session has ended. Until told to finish. */
export interface ListenJob {
  readonly kind: 'listen';
  /** A client for each. */
  readonly ports: readonly number[];
  /** Of the sessions that are going to end. */
  readonly tokens: readonly { readonly sessionId: string; readonly accessToken: string }[];
}
export interface FeltEnding {
  readonly sessionId: string;
  /** By `steadyMs`. */
  readonly atMs: number;
}
export interface ListenResult {
  readonly felt: readonly FeltEnding[];
}

/** Logs out the sessions of these tokens, one after the other. */
export interface LogoutsJob {
  readonly kind: 'logouts';
  readonly ports: readonly number[];
  readonly accessTokens: readonly string[];
  /** Ask each server all the while, until it rejects the token. */
  readonly poll: boolean;
}
export interface LogoutsResult {
  /** By `steadyMs`, in the order of the tokens. */
  readonly answeredAtMs: readonly number[];
  /** For each token, when each server rejected it first; empty where no server was asked. */
  readonly rejectedAtMs: readonly (readonly number[])[];
}

export interface JobResults {
  readonly flood: FloodResult;
  readonly refresh: RefreshResult;
  readonly pace: PaceResult;
  readonly login: LoginJobResult;
  readonly validations: ValidationsResult;
  readonly listen: ListenResult;
  readonly logouts: LogoutsResult;
}
export type Job = FloodJob | RefreshJob | PaceJob | LoginJob | ValidationsJob | ListenJob | LogoutsJob;

/** From a load process: the load is on, or the job is done, or it failed. */
export type Report =
  | { readonly kind: 'started' }
  | { readonly kind: 'done'; readonly result: JobResults[keyof JobResults] }
  | { readonly kind: 'failed'; readonly problem: string };
