// The public API of latchkey-client.
import './transport/supported-node.ts';

export type { Clock } from '../validator/clock.ts';
export type { RejectionReason } from '../validator/verdict.ts';
export { connect } from './connect.ts';
export type { Access } from './guard/access.ts';
export type { GuardClient, GuardOptions } from './guard/admission.ts';
export { type ExpressGuard, expressGuard, type Middleware } from './guard/express-guard.ts';
export { type FastifyGuard, type FastifyGuardOptions, fastifyGuard } from './guard/fastify-guard.ts';
export { type GrpcGuardOptions, grpcGuard } from './guard/grpc-guard.ts';
export type { MethodRules } from './guard/grpc-rules.ts';
export { identityOf } from './guard/identity-of.ts';
export type { CallOptions } from './transport/calls.ts';
export type { ConnectionFault, ConnectionFaultKind } from './transport/connection-fault.ts';
export {
  AuditActorKind,
  type AuditEvent,
  AuditEventKind,
  Consistency,
  DeviceLimitAction,
  type DevicePolicy,
  DevicePolicyKind,
  EndEvidence,
  EndedBy,
  EndReason,
  type LinkedIdentity,
  type ListedSession,
  type SessionExplanation,
  type SessionTimelineEntry,
  SessionTimelineKind,
  type SigningKey,
  SigningKeyState,
  TicketDenial,
  TicketState,
  type User,
} from './transport/contract.ts';
export type { Credentials, Pem } from './transport/credentials.ts';
export { type FieldViolation, LatchkeyError, type SessionSummary } from './transport/errors.ts';
export type { ConnectOptions, LatchkeyClient, Staleness } from './transport/latchkey-client.ts';
export type { Revocation } from './transport/revocation.ts';
export type { ServiceAccountOptions } from './transport/service-account.ts';
export type { Device, EndedSession, Origin, Session, Tokens } from './transport/session.ts';
export type {
  EndedByName,
  SessionAlive,
  SessionEnd,
  SessionEvent,
  WatchInterrupted,
} from './transport/session-events.ts';
export type { SessionWatch, WatchSessionOptions } from './transport/session-watch.ts';
export type {
  LoggedOut,
  LoginInput,
  LogoutInput,
  Refreshed,
  RefreshInput,
  SignedIn,
  SignInCalls,
} from './transport/sign-in.ts';
export type {
  TicketChange,
  TicketDenialName,
  TicketStateName,
  TicketWatch,
  TicketWatchEvent,
  WatchTicketOptions,
} from './transport/ticket-watch.ts';
export type {
  AcceptedToken,
  EndReasonName,
  Identity,
  RejectedToken,
  Requirements,
  TokenValidator,
  Validation,
} from './transport/validation.ts';
