// The client's door: what a caller of latchkey imports.
export { type SigningKey, SigningKeyState } from '../gen/latchkey/admin/v1/key.ts';
export type { User } from '../gen/latchkey/admin/v1/user.ts';
export type { Identity, Rejection } from '../gen/latchkey/v1/validation.ts';
export { Consistency, NextStep, RejectionReason } from '../gen/latchkey/v1/validation.ts';
export type { Call, CallOptions, CallsOf } from './calls.ts';
export { type ConnectOptions, connect, type LatchkeyClient } from './connect.ts';
export { type FieldViolation, LatchkeyError } from './errors.ts';
export type { Transport } from './transport.ts';
