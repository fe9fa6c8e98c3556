import type { OidcClients } from './oidc-provider.ts';

// What each way to validate is made into, so that all are measured by the same loop.

export const ARMS = [
  'latchkey-local',
  'latchkey-remote',
  'latchkey-rpc',
  'express-session',
  'fastify-jwt',
  'fastify-jwt-alone',
  'oidc-provider',
] as const;
export type ArmName = (typeof ARMS)[number];

/** What a request brings, and whose it is. */
export interface Credential {
  readonly text: string;
  readonly userId: string;
}

/** What an arm is made of; whatever it needs besides is running already. */
export interface ArmSetup {
  readonly redisUrl: string;
  /** How many credentials to make. */
  readonly count: number;
  /** For the arms that ask a service. */
  readonly service?: {
    readonly port: number;
    readonly credentials: readonly Credential[];
    readonly clients?: OidcClients;
  };
}

export interface Arm {
  readonly credentials: readonly Credential[];
  /** Whose the credential is; undefined: it is not good any more. */
  validate(credential: string): Promise<string | undefined>;
  /** Resolves when the logout was acknowledged. Undefined: there is no such thing. */
  readonly logout?: (credential: string) => Promise<void>;
  close(): Promise<void>;
}

/** What a caller process is asked. */
export type CallerOrder =
  | { readonly kind: 'open'; readonly arm: ArmName; readonly setup: ArmSetup }
  | { readonly kind: 'measure'; readonly seconds: number }
  | { readonly kind: 'log-out' };

export interface ArmRun {
  readonly validations: number;
  readonly seconds: number;
  /** From asking to the answer, microseconds. */
  readonly p50Us: number;
  readonly p99Us: number;
  /** CPU time of the caller's process for each validation, microseconds; all its threads. */
  readonly cpuUs: number;
}

/** For each logout, how long after its answer the last yes was given, milliseconds; 0: none was. */
export type LogoutsFelt = readonly number[];

export type CallerAnswer =
  | { readonly kind: 'opened' }
  | { readonly kind: 'measured'; readonly run: ArmRun }
  /** Undefined: the arm knows no logout. */
  | { readonly kind: 'logged-out'; readonly stillYesMs: LogoutsFelt | undefined }
  | { readonly kind: 'failed'; readonly problem: string };
