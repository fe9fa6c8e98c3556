import type { AuditKind } from '../core/audit/audit-event.ts';
import type { AuditFilter, AuditTrail, ListedAuditEvent } from '../core/audit/audit-trail.ts';
import type { Actor } from '../core/audit/security-event.ts';
import type { FieldIssues } from '../core/field-issues.ts';
import { UUID_TEXT } from '../core/ids.ts';
import {
  AuditActorKind,
  type AuditEvent,
  AuditEventKind,
  AuditServiceService,
  ListAuditEventsRequest,
  ListAuditEventsResponse,
} from '../gen/latchkey/admin/v1/audit.ts';
import { administrators, type CallerTokens } from './interceptors/caller-auth.ts';
import { afterOf, checkPage, pageSizeOf, pageTokenOf } from './page.ts';
import { canonicalAddress, isAddress } from './peer-address.ts';
import type { CallEnvironment, ServiceRegistration } from './service-registration.ts';
import { unaryService } from './unary.ts';

/** The trail behind admin.AuditService. */
export type AuditCore = Pick<AuditTrail, 'list'>;

const KINDS: Readonly<Record<AuditKind, AuditEventKind>> = {
  SignedIn: AuditEventKind.SIGNED_IN,
  SignInFailed: AuditEventKind.SIGN_IN_FAILED,
  SessionEnded: AuditEventKind.SESSION_ENDED,
  RefreshReplayed: AuditEventKind.REFRESH_REPLAYED,
  RefreshRefused: AuditEventKind.REFRESH_REFUSED,
  UserChanged: AuditEventKind.USER_CHANGED,
  PasswordUnreadable: AuditEventKind.PASSWORD_UNREADABLE,
  SigningKeyRotated: AuditEventKind.SIGNING_KEY_ROTATED,
  SignInRefused: AuditEventKind.SIGN_IN_REFUSED,
  PasswordChangeFailed: AuditEventKind.PASSWORD_CHANGE_FAILED,
  SessionMoved: AuditEventKind.SESSION_MOVED,
  NewDevice: AuditEventKind.NEW_DEVICE,
  RiskAssessed: AuditEventKind.RISK_ASSESSED,
  TicketApproved: AuditEventKind.TICKET_APPROVED,
  TicketDenied: AuditEventKind.TICKET_DENIED,
  IdentityLinked: AuditEventKind.IDENTITY_LINKED,
  IdentityUnlinked: AuditEventKind.IDENTITY_UNLINKED,
};

const ACTOR_KINDS: Readonly<Record<Actor['kind'], AuditActorKind>> = {
  caller: AuditActorKind.CALLER,
  credentials: AuditActorKind.CREDENTIALS,
  operator: AuditActorKind.OPERATOR,
  service: AuditActorKind.SERVICE,
};

/** The last millisecond of the year 9999: the maximum of a protobuf Timestamp. */
const LATEST_MS = 253_402_300_799_999;

/** `latchkey.admin.v1.AuditService`. */
export function auditService(
  trail: AuditCore,
  callerTokens: CallerTokens,
  environment: CallEnvironment,
): ServiceRegistration {
  return unaryService(
    AuditServiceService,
    {
      listAuditEvents: {
        request: ListAuditEventsRequest,
        response: ListAuditEventsResponse,
        callers: administrators(callerTokens),
        check: checkListAuditEvents,
        handle: async (request) => {
          const { events, next } = await trail.list(filterOf(request), pageSizeOf(request), afterOf(request));
          return {
            events: events.map(eventMessage),
            nextPageToken: next === undefined ? '' : pageTokenOf(next),
          };
        },
      },
    },
    environment,
  );
}

function checkListAuditEvents(request: ListAuditEventsRequest, issues: FieldIssues): void {
  const { userId, sessionId, kind, from, until, ipAddress } = request;
  checkPage(request, UUID_TEXT, issues);
  if (userId !== '' && !UUID_TEXT.test(userId)) issues.add('user_id', 'must be a user id, or empty');
  if (sessionId !== '' && !UUID_TEXT.test(sessionId))
    issues.add('session_id', 'must be a session id, or empty');
  if (kind !== AuditEventKind.UNSPECIFIED && kindOf(kind) === undefined) {
    issues.add('kind', 'must be an AuditEventKind of this version');
  }
  for (const [field, instant] of [['from', from] as const, ['until', until] as const]) {
    const ms = instant?.getTime() ?? 0;
    if (!(ms >= 0 && ms <= LATEST_MS)) issues.add(field, 'must be from 1970 to 9999');
  }
  if (from !== undefined && until !== undefined && from >= until) {
    issues.add('until', 'must be after from');
  }
  if (ipAddress !== '' && !isAddress(ipAddress)) {
    issues.add('ip_address', 'must be an IPv4 or IPv6 address without a port or zone, or empty');
  }
}

function filterOf({ userId, sessionId, kind, from, until, ipAddress }: ListAuditEventsRequest): AuditFilter {
  const auditKind = kindOf(kind);
  return {
    ...(userId !== '' && { userId }),
    ...(sessionId !== '' && { sessionId }),
    ...(auditKind !== undefined && { kind: auditKind }),
    ...(ipAddress !== '' && { ipAddress: canonicalAddress(ipAddress) }),
    ...(from !== undefined && { from: from.getTime() }),
    ...(until !== undefined && { until: until.getTime() }),
  };
}

function kindOf(kind: AuditEventKind): string | undefined {
  return Object.entries(KINDS).find(([, value]) => value === kind)?.[0];
}

function eventMessage(event: ListedAuditEvent): AuditEvent {
  const { kind, at, lastAt, actor, ...facts } = event;
  return {
    ...facts,
    details: { ...facts.details },
    at: new Date(at),
    lastAt: new Date(lastAt),
    kind: Object.hasOwn(KINDS, kind) ? KINDS[kind as AuditKind] : AuditEventKind.UNSPECIFIED,
    actor: {
      ...actor,
      kind: Object.hasOwn(ACTOR_KINDS, actor.kind) ? ACTOR_KINDS[actor.kind] : AuditActorKind.UNSPECIFIED,
    },
  };
}
