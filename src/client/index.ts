// The client's door: what a caller of latchkey imports.
import './supported-node.ts';

export { type SigningKey, SigningKeyState } from '../gen/latchkey/admin/v1/key.ts';
export type { User } from '../gen/latchkey/admin/v1/user.ts';
export { Consistency } from '../gen/latchkey/v1/validation.ts';
export type { Clock } from '../validator/clock.ts';
export type { Revocation } from '../validator/revocation-set.ts';
export type { RejectionReason } from '../validator/verdict.ts';
export type { Access } from './access.ts';
export type { GuardClient, GuardOptions } from './admission.ts';
export type { Call, CallOptions, CallsOf } from './calls.ts';
export { connect } from './connect.ts';
export type { ConnectionFault, ConnectionFaultKind } from './connection-fault.ts';
export type { Credentials, Pem } from './credentials.ts';
export { type FieldViolation, LatchkeyError } from './errors.ts';
export { type ExpressGuard, expressGuard, type Middleware } from './express-guard.ts';
export { type FastifyGuard, type FastifyGuardOptions, fastifyGuard } from './fastify-guard.ts';
export { type GrpcGuardOptions, grpcGuard } from './grpc-guard.ts';
export type { MethodRules } from './grpc-rules.ts';
export { identityOf } from './identity-of.ts';
export type { ConnectOptions, LatchkeyClient, Staleness } from './latchkey-client.ts';
export type {
  AcceptedToken,
  EndReasonName,
  Identity,
  RejectedToken,
  TokenValidator,
  ValidateDemand,
  Validation,
} from './validation.ts';
