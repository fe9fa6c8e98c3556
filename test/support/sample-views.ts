import type { ProvidersView } from '../../src/bff/provider-views.ts';
import type {
  ApiDocumentView,
  ApproveView,
  ChangePasswordView,
  DevicesView,
  Language,
  MessageView,
  NoticeCode,
  PageView,
  SessionEndedView,
  SessionHistoryView,
  SessionView,
  SignInView,
  TimelineEntryView,
} from '../../src/bff/views.ts';

/** When the samples were made. */
export const NOW = new Date('2026-11-22T10:20:00Z');

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

export function samplePage(change: Partial<PageView> = {}): PageView {
  return {
    language: 'en',
    path: '/devices',
    csrfToken: 'lJ2Vd0Qm4yT1sK7e',
    now: NOW,
    isSignedIn: true,
    hasProviders: true,
    notice: undefined,
    ...change,
  };
}

export function fromNow(ms: number): Date {
  return new Date(NOW.getTime() + ms);
}

export function noticeOf(code: NoticeCode, retryAfterSeconds?: number): PageView['notice'] {
  return { code, retryAfterSeconds };
}

export function signInView(language: Language, change: Partial<SignInView> = {}): SignInView {
  return {
    page: samplePage({ language, path: '/sign-in', isSignedIn: false }),
    next: '/devices',
    username: '',
    ended: undefined,
    ticket: {
      url: 'https://id.example.com/qr/5fQ0YkP2Jm9aT3xWc8LrBg',
      state: 'PENDING',
      digits: '',
      expiresAt: fromNow(105 * SECOND),
    },
    sessionLimit: undefined,
    providers: [
      { name: 'google', displayName: 'Google' },
      { name: 'wechat', displayName: 'WeChat' },
    ],
    ...change,
  };
}

export function approveView(language: Language, change: Partial<ApproveView> = {}): ApproveView {
  return {
    page: samplePage({ language, path: '/qr/5fQ0YkP2Jm9aT3xWc8LrBg' }),
    ticketId: '5fQ0YkP2Jm9aT3xWc8LrBg',
    step: {
      kind: 'decide',
      digits: '',
      asker: {
        deviceName: 'Firefox 145 on Windows',
        platform: 'Windows',
        clientId: 'web',
        ipAddress: '198.51.100.24',
        sharesNetwork: true,
        createdAt: fromNow(-40 * SECOND),
        expiresAt: fromNow(80 * SECOND),
        username: 'mia',
      },
    },
    ...change,
  };
}

export function sessionView(change: Partial<SessionView> = {}): SessionView {
  return {
    sessionId: '019aa5d2-7c1e-7b3a-9a51-0d2f6c4e8b10',
    deviceName: 'Chrome 142 on macOS',
    platform: 'macOS',
    clientId: 'web',
    ipAddress: '198.51.100.24',
    latestIpAddress: '198.51.100.24',
    authenticationMethods: ['pwd'],
    createdAt: fromNow(-2 * HOUR),
    lastSeenAt: fromNow(-20 * SECOND),
    idleDeadline: fromNow(14 * DAY),
    absoluteDeadline: fromNow(89 * DAY),
    isCurrent: false,
    isNewDevice: false,
    ended: undefined,
    ...change,
  };
}

const phone = sessionView({
  sessionId: '019aa0aa-1111-7b3a-9a51-0d2f6c4e8b11',
  deviceName: 'Safari 26 on iPhone',
  platform: 'iOS',
  latestIpAddress: '203.0.113.77',
  createdAt: fromNow(-9 * DAY),
  lastSeenAt: fromNow(-35 * MINUTE),
});
const fresh = sessionView({
  sessionId: '019aa4ff-2222-7b3a-9a51-0d2f6c4e8b12',
  deviceName: 'Firefox 145 on Windows',
  platform: 'Windows',
  ipAddress: '2001:db8:85a3::8a2e:370:7334',
  latestIpAddress: '2001:db8:85a3::8a2e:370:7334',
  authenticationMethods: ['mca'],
  createdAt: fromNow(-26 * HOUR),
  lastSeenAt: fromNow(-4 * HOUR),
  isNewDevice: true,
});
const terminal = sessionView({
  sessionId: '01998e00-3333-7b3a-9a51-0d2f6c4e8b13',
  deviceName: 'build-7',
  platform: 'Linux',
  clientId: 'latchkey-cli',
  ended: { endReason: 'IDLE', endedBy: 'SERVICE', endedAt: fromNow(-6 * DAY) },
});

export function devicesView(language: Language, change: Partial<DevicesView> = {}): DevicesView {
  return {
    page: samplePage({ language }),
    username: 'mia',
    sessions: [sessionView({ isCurrent: true }), fresh, phone],
    endedSessions: [
      terminal,
      {
        ...sessionView({
          sessionId: '01997e00-4444-7b3a-9a51-0d2f6c4e8b14',
          deviceName: 'Edge 141 on Windows',
        }),
        platform: 'Windows',
        ended: { endReason: 'ENDED_BY_USER', endedBy: 'USER', endedAt: fromNow(-11 * DAY) },
      },
    ],
    nextPagePath: undefined,
    ...change,
  };
}

export function timelineEntry(change: Partial<TimelineEntryView> = {}): TimelineEntryView {
  return {
    kind: 'OPENED',
    at: fromNow(-26 * HOUR),
    lastAt: fromNow(-26 * HOUR),
    count: 1,
    endReason: 'UNSPECIFIED',
    endedBy: 'UNSPECIFIED',
    reason: '',
    ipAddress: '198.51.100.24',
    previousIpAddress: '',
    clientId: '',
    ...change,
  };
}

export function sessionHistoryView(
  language: Language,
  change: Partial<SessionHistoryView> = {},
): SessionHistoryView {
  const endedAt = fromNow(-90 * MINUTE);
  return {
    page: samplePage({ language, path: `/sessions/${fresh.sessionId}` }),
    session: { ...fresh, ended: { endReason: 'ENDED_BY_USER', endedBy: 'USER', endedAt } },
    entries: [
      timelineEntry({ clientId: 'web' }),
      timelineEntry({ kind: 'ANOMALY', reason: 'NEW_DEVICE' }),
      timelineEntry({
        kind: 'MOVED',
        at: fromNow(-9 * HOUR),
        lastAt: fromNow(-9 * HOUR),
        previousIpAddress: '198.51.100.24',
        ipAddress: '203.0.113.9',
      }),
      timelineEntry({
        kind: 'REPLAYED',
        at: fromNow(-5 * HOUR),
        lastAt: fromNow(-4 * HOUR),
        count: 3,
        ipAddress: '',
      }),
      timelineEntry({
        kind: 'ENDED',
        at: endedAt,
        lastAt: endedAt,
        ipAddress: '203.0.113.77',
        endReason: 'ENDED_BY_USER',
        endedBy: 'USER',
      }),
    ],
    omitsEntries: false,
    endEvidence: 'RECORDED',
    endedNotBefore: endedAt,
    endedNotAfter: endedAt,
    ...change,
  };
}

export function changePasswordView(
  language: Language,
  change: Partial<ChangePasswordView> = {},
): ChangePasswordView {
  return { page: samplePage({ language, path: '/password' }), newPasswordProblem: '', ...change };
}

export function providersView(language: Language, change: Partial<ProvidersView> = {}): ProvidersView {
  return {
    page: samplePage({ language, path: '/providers' }),
    username: 'mia',
    identities: [
      {
        identityId: '7',
        provider: { name: 'google', displayName: 'Google' },
        displayName: 'Mia Chen',
        linkedAt: fromNow(-40 * DAY),
        lastUsedAt: fromNow(-3 * DAY),
      },
    ],
    providers: [
      { name: 'google', displayName: 'Google' },
      { name: 'wechat', displayName: 'WeChat' },
      { name: 'corp', displayName: 'Example Corp' },
    ],
    ...change,
  };
}

export function sessionEndedView(
  language: Language,
  change: Partial<SessionEndedView> = {},
): SessionEndedView {
  return {
    page: samplePage({ language, path: '/qr/5fQ0YkP2Jm9aT3xWc8LrBg', isSignedIn: false }),
    ended: { endReason: 'ENDED_BY_USER', endedBy: 'USER', endedAt: NOW },
    next: '/qr/5fQ0YkP2Jm9aT3xWc8LrBg',
    kept: [{ name: 'digits', value: '47' }],
    ...change,
  };
}

export function messageView(language: Language, change: Partial<MessageView> = {}): MessageView {
  return {
    page: samplePage({ language }),
    code: 'service-unavailable',
    status: 503,
    retryAfterSeconds: 5,
    requestId: '019aa5d2-7c1e-7b3a',
    ...change,
  };
}

export function apiDocumentView(language: Language): ApiDocumentView {
  return {
    page: samplePage({ language, path: '/api', isSignedIn: false }),
    title: 'latchkey BFF',
    version: '0.1.0',
    operations: [
      {
        method: 'POST',
        path: '/api/sign-in',
        tag: 'Session',
        summary: 'Signs in with a password',
        description: 'Sets the cookies of the session. The answer has no tokens.',
        fields: [
          { name: 'username', type: 'string', isRequired: true, description: 'At most 64 characters.' },
          { name: 'password', type: 'string', isRequired: true, description: 'As typed.' },
          {
            name: 'endSessionId',
            type: 'string',
            isRequired: false,
            description: 'A session to end at the session limit.',
          },
        ],
        responses: [
          { status: '200', description: 'Signed in.' },
          { status: '401', description: 'The username or the password is wrong.' },
          { status: '429', description: 'Too many attempts; see Retry-After.' },
        ],
      },
      {
        method: 'GET',
        path: '/api/session',
        tag: 'Session',
        summary: 'Who is signed in',
        description: 'The user and the session of the browser.',
        fields: [],
        responses: [{ status: '200', description: 'The session.' }],
      },
      {
        method: 'DELETE',
        path: '/api/devices/{sessionId}',
        tag: 'Devices',
        summary: 'Ends one session of the person',
        description: 'Idempotent.',
        fields: [{ name: 'sessionId', type: 'string', isRequired: true, description: 'A UUID.' }],
        responses: [{ status: '204', description: 'It has ended.' }],
      },
    ],
  };
}
