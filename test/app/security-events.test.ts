import { expect, test } from '@jest/globals';
import { securityEvents } from '../../src/app/security-events.ts';
import { createLogger, type LogFields, type Logger } from '../../src/telemetry/logger.ts';
import { Metrics } from '../../src/telemetry/metrics.ts';
import { MemoryAuditOutbox } from '../support/memory-audit.ts';
import { ADMIN_ACTOR } from '../support/security-events.ts';

const AT = Date.UTC(2026, 0, 1);
const origin = { ipAddress: '192.0.2.1', clientId: 'web' };
const session = { userId: 'user-1', sessionId: 'session-1' };
const opened = {
  provider: '',
  deviceName: '',
  platform: '',
  deviceMark: '',
  methods: 'pwd',
  idleDeadline: AT,
  absoluteDeadline: AT,
};

function setUp() {
  const lines: string[] = [];
  const line = (level: string) => (fields: LogFields, message: string) => {
    lines.push(`${level} ${message}: ${JSON.stringify(fields)}`);
  };
  const logger: Logger = {
    ...{ debug: line('debug'), info: line('info'), warn: line('warn') },
    ...{ error: line('error'), fatal: line('fatal') },
  };
  const metrics = new Metrics();
  return { lines, metrics, events: securityEvents(logger, metrics, new MemoryAuditOutbox()) };
}

test('security events are counted by kind, and logins by their outcome', async () => {
  const { events, metrics } = setUp();
  const actor = { kind: 'credentials' } as const;
  events.publish({ kind: 'SignedIn', at: AT, actor, ...session, origin, opened });
  const failed = { kind: 'SignInFailed', at: AT, actor, userId: undefined, origin } as const;
  events.publish({ ...failed, reason: 'INVALID_CREDENTIALS' });
  events.publish({ ...failed, reason: 'INVALID_CREDENTIALS' });
  events.publish({ kind: 'SignInRefused', at: AT, actor, userId: 'user-1', reason: '', origin });
  const page = await metrics.text();
  expect(page).toContain('latchkey_security_events_total{event="SignInFailed"} 2');
  expect(page).toContain('latchkey_logins_total{outcome="opened"} 1');
  expect(page).toContain('latchkey_logins_total{outcome="INVALID_CREDENTIALS"} 2');
  expect(page).toContain('latchkey_logins_total{outcome="SESSION_LIMIT_REACHED"} 1');
});

test('important events are logged at warn or info, and frequent ones at debug', () => {
  const { events, lines } = setUp();
  const service = { kind: 'service' } as const;
  events.publish({ kind: 'Refreshed', at: AT, actor: service, ...session, origin });
  events.publish({ kind: 'SessionEnded', at: AT, actor: service, ...session, reason: 'LOGGED_OUT' });
  events.publish({
    kind: 'SessionEnded',
    at: AT,
    actor: service,
    ...session,
    reason: 'REFRESH_TOKEN_REUSED',
  });
  events.publish({ kind: 'UserChanged', at: AT, actor: ADMIN_ACTOR, userId: 'user-1', change: 'DISABLED' });
  events.publish({ kind: 'PasswordUnreadable', at: AT, actor: service, userId: 'user-1' });
  const wrong = { ...session, reason: 'INVALID_CREDENTIALS', origin };
  events.publish({ kind: 'PasswordChangeFailed', at: AT, actor: service, ...wrong });
  expect(lines.map((line) => line.slice(0, line.indexOf(':')))).toEqual([
    'debug security event',
    'debug session ended',
    'warn a rotated refresh token was used again; the session has ended',
    'info user changed',
    'error the stored password cannot be read',
    'info password change failed',
  ]);
  expect(lines[3]).toContain('"change":"DISABLED"');
  expect(lines[3]).toContain(ADMIN_ACTOR.kind === 'caller' ? ADMIN_ACTOR.userId : '');
});

test('a line of the log names who is responsible, the client and the address', () => {
  const lines: string[] = [];
  const logger = createLogger('debug', { write: (line) => lines.push(line) });
  const events = securityEvents(logger, new Metrics(), new MemoryAuditOutbox());
  events.publish({ kind: 'UserChanged', at: AT, actor: ADMIN_ACTOR, userId: 'user-1', change: 'DISABLED' });
  events.publish({ kind: 'SignedIn', at: AT, actor: { kind: 'credentials' }, ...session, origin, opened });
  expect(lines.map((line): unknown => JSON.parse(line))).toMatchObject([
    {
      event: 'UserChanged',
      actor: 'caller',
      actorUserId: '019b7760-0000-7000-8000-0000000000aa',
      userId: 'user-1',
    },
    { event: 'SignedIn', actor: 'credentials', ipAddress: '192.0.2.1', clientId: 'web', ...session },
  ]);
  expect(lines.join()).not.toContain('omitted');
});
