// The messages and enums of the contract that callers of the generated calls name.
import {
  AuditActorKind as AuditActorKinds,
  AuditEventKind as AuditEventKinds,
  type AuditEvent as AuditEventMessage,
} from '../../gen/latchkey/admin/v1/audit.ts';
import {
  type SigningKey as SigningKeyMessage,
  SigningKeyState as SigningKeyStates,
} from '../../gen/latchkey/admin/v1/key.ts';
import {
  DeviceLimitAction as DeviceLimitActions,
  DevicePolicyKind as DevicePolicyKinds,
  type DevicePolicy as DevicePolicyMessage,
  type User as UserMessage,
} from '../../gen/latchkey/admin/v1/user.ts';
import type { LinkedIdentity as LinkedIdentityMessage } from '../../gen/latchkey/v1/external_login.ts';
import {
  TicketDenial as TicketDenials,
  TicketState as TicketStates,
} from '../../gen/latchkey/v1/qr_login.ts';
import {
  EndEvidence as EndEvidences,
  EndedBy as EndedBys,
  EndReason as EndReasons,
  type SessionExplanation as SessionExplanationMessage,
  type Session as SessionMessage,
  type SessionTimelineEntry as SessionTimelineEntryMessage,
  SessionTimelineKind as SessionTimelineKinds,
} from '../../gen/latchkey/v1/session.ts';
import { Consistency as Consistencies } from '../../gen/latchkey/v1/validation.ts';

/**
 * A user, as `latchkey.users` returns them. Never contains the password.
 *
 * @example
 * const isDisabled = ({ disabledAt }: User) => disabledAt !== undefined;
 * const { users } = await latchkey.users.listUsers({ pageSize: 100 });
 * console.log(users.filter(isDisabled).map(({ username }) => username));
 */
export type User = UserMessage;

/**
 * A session, as `latchkey.sessions` and `latchkey.userSessions` list it: a living one, or, with `includeEnded`, one that
 * has `ended`. The fields are those of the protocol; `login` returns a `Session` instead.
 *
 * @example
 * const lineOf = ({ device, isCurrent }: ListedSession) => `${device?.name}${isCurrent ? ' (this one)' : ''}`;
 * const { sessions } = await latchkey.sessions.listSessions({ pageSize: 20 });
 * console.log(sessions.map(lineOf));
 */
export type ListedSession = SessionMessage;

/**
 * What happened to a session, and how it is known.
 *
 * @example
 * const { explanation } = await latchkey.sessions.explainSession({ sessionId: session.sessionId });
 * const whyOf = (explained: SessionExplanation) => explained.session?.ended?.endReason;
 * if (explanation && whyOf(explanation) === EndReason.ENDED_BY_ADMIN) console.log('An operator signed you out.');
 */
export type SessionExplanation = SessionExplanationMessage;

/**
 * An entry of the timeline in a `SessionExplanation`.
 *
 * @example
 * const lineOf = ({ at, ipAddress }: SessionTimelineEntry) => `${at?.toISOString()} ${ipAddress}`;
 * const { explanation } = await latchkey.sessions.explainSession({ sessionId: session.sessionId });
 * console.log(explanation?.entries.map(lineOf));
 */
export type SessionTimelineEntry = SessionTimelineEntryMessage;

/**
 * What happened, in an entry of a timeline.
 *
 * @example
 * const { explanation } = await latchkey.sessions.explainSession({ sessionId: session.sessionId });
 * const moves = explanation?.entries.filter(({ kind }) => kind === SessionTimelineKind.MOVED);
 */
export const SessionTimelineKind = SessionTimelineKinds;
export type SessionTimelineKind = SessionTimelineKinds;

/**
 * How the end of a session is known.
 *
 * @example
 * const { explanation } = await latchkey.sessions.explainSession({ sessionId: session.sessionId });
 * const isExact = explanation?.endEvidence === EndEvidence.RECORDED;
 */
export const EndEvidence = EndEvidences;
export type EndEvidence = EndEvidences;

/**
 * Why a listed or explained session ended. Verdicts and watches have its names, `EndReasonName`.
 *
 * @example
 * const { sessions } = await latchkey.sessions.listSessions({ includeEnded: true });
 * const kicked = sessions.filter(({ ended }) => ended?.endReason === EndReason.ENDED_BY_ADMIN);
 */
export const EndReason = EndReasons;
export type EndReason = EndReasons;

/**
 * Who ended a listed or explained session. Watches have its names, `EndedByName`.
 *
 * @example
 * const { sessions } = await latchkey.sessions.listSessions({ includeEnded: true });
 * const byOperators = sessions.filter(({ ended }) => ended?.endedBy === EndedBy.OPERATOR);
 */
export const EndedBy = EndedBys;
export type EndedBy = EndedBys;

/**
 * How many sessions a user may have.
 *
 * @example
 * const setPolicy = (userId: string, devicePolicy: DevicePolicy) =>
 *   latchkey.users.updateUser({ userId, devicePolicy, updateMask: ['device_policy'] });
 */
export type DevicePolicy = DevicePolicyMessage;

/**
 * Which sessions a device policy limits.
 *
 * @example
 * const { users } = await latchkey.users.listUsers({ pageSize: 100 });
 * const single = users.filter(({ devicePolicy }) => devicePolicy?.kind === DevicePolicyKind.ONE);
 */
export const DevicePolicyKind = DevicePolicyKinds;
export type DevicePolicyKind = DevicePolicyKinds;

/**
 * What a sign-in at the limit of a device policy does.
 *
 * @example
 * const { users } = await latchkey.users.listUsers({ pageSize: 100 });
 * const strict = users.filter(({ devicePolicy }) => devicePolicy?.limitAction === DeviceLimitAction.REFUSE);
 */
export const DeviceLimitAction = DeviceLimitActions;
export type DeviceLimitAction = DeviceLimitActions;

/**
 * A signing key without the private key, as `latchkey.keys` returns it.
 *
 * @example
 * const lineOf = ({ keyId, signsFrom }: SigningKey) => `${keyId} signs from ${signsFrom?.toISOString()}`;
 * const { keys } = await latchkey.keys.listSigningKeys({});
 * console.log(keys.map(lineOf));
 */
export type SigningKey = SigningKeyMessage;

/**
 * The state of a signing key.
 *
 * @example
 * const { keys } = await latchkey.keys.listSigningKeys({});
 * const current = keys.find(({ state }) => state === SigningKeyState.SIGNING);
 */
export const SigningKeyState = SigningKeyStates;
export type SigningKeyState = SigningKeyStates;

/**
 * How fresh a verdict of `latchkey.identity.validate` must be. `latchkey.validate` takes `bounded` or `strong` instead.
 *
 * @example
 * const { verdict } = await latchkey.identity.validate({ accessToken, consistency: Consistency.STRONG });
 */
export const Consistency = Consistencies;
export type Consistency = Consistencies;

/**
 * An event of the audit trail, as `latchkey.audit` returns it.
 *
 * @example
 * const lineOf = ({ at, username, reason }: AuditEvent) => `${at?.toISOString()} ${username} ${reason}`;
 * const { events } = await latchkey.audit.listAuditEvents({ kind: AuditEventKind.SESSION_ENDED });
 * console.log(events.map(lineOf));
 */
export type AuditEvent = AuditEventMessage;

/**
 * What happened, in an event of the audit trail.
 *
 * @example
 * const { events } = await latchkey.audit.listAuditEvents({ kind: AuditEventKind.SIGN_IN_FAILED, pageSize: 10 });
 */
export const AuditEventKind = AuditEventKinds;
export type AuditEventKind = AuditEventKinds;

/**
 * Who is responsible for an event of the audit trail.
 *
 * @example
 * const { events } = await latchkey.audit.listAuditEvents({ kind: AuditEventKind.SESSION_ENDED });
 * const byCallers = events.filter(({ actor }) => actor?.kind === AuditActorKind.CALLER);
 */
export const AuditActorKind = AuditActorKinds;
export type AuditActorKind = AuditActorKinds;

/**
 * The state of a ticket of `latchkey.qrLogin`.
 *
 * @example
 * const { ticketId, redeemSecret } = await latchkey.qrLogin.createTicket({});
 * const { outcome } = await latchkey.qrLogin.redeemTicket({ ticketId, redeemSecret });
 * const isScanned = outcome?.$case === 'pending' && outcome.value.state === TicketState.SCANNED;
 */
export const TicketState = TicketStates;
export type TicketState = TicketStates;

/**
 * Why a ticket of `latchkey.qrLogin` was denied. Errors with reason TICKET_OVER have its name in `metadata.denial`.
 *
 * @example
 * const textOf = (denial: TicketDenial) => (denial === TicketDenial.WRONG_DIGITS ? 'Wrong digits' : 'Denied');
 */
export const TicketDenial = TicketDenials;
export type TicketDenial = TicketDenials;

/**
 * An account at an identity provider that signs a user in, as `latchkey.externalLogin` and `latchkey.userIdentities` list
 * it.
 *
 * @example
 * const lineOf = ({ provider, displayName }: LinkedIdentity) => `${provider}: ${displayName}`;
 * const { identities } = await latchkey.externalLogin.listIdentities({}, { token: accessToken });
 * console.log(identities.map(lineOf));
 */
export type LinkedIdentity = LinkedIdentityMessage;
