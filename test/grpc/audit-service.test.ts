import { credentials, status } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { ListedAuditEvent } from '../../src/core/audit/audit-trail.ts';
import {
  AuditActorKind,
  AuditEventKind,
  AuditServiceClient,
  type ListAuditEventsRequest,
} from '../../src/gen/latchkey/admin/v1/audit.ts';
import { auditService } from '../../src/grpc/audit-service.ts';
import { GrpcServer } from '../../src/grpc/server.ts';
import { anAuditEvent, auditId } from '../support/memory-audit.ts';
import { T0, testEnvironment, validateByName } from './support/fakes.ts';
import { call } from './support/unary-call.ts';

const admin = { metadata: { authorization: 'Bearer admin' } };
const EVERYTHING: ListAuditEventsRequest = {
  ...{ pageSize: 0, pageToken: '', userId: '', sessionId: '', ipAddress: '' },
  ...{ kind: AuditEventKind.UNSPECIFIED, from: undefined, until: undefined },
};

const ended = anAuditEvent(1, { at: T0, lastAt: T0 + 5, count: 2, details: { note: 'x' } });
const event: ListedAuditEvent = {
  ...ended,
  username: 'ada',
  actor: { ...ended.actor, username: 'root' },
};

let asked: unknown[][];
let answer: { events: readonly ListedAuditEvent[]; next: string | undefined };
let server: GrpcServer;
let audit: AuditServiceClient;

beforeEach(async () => {
  asked = [];
  answer = { events: [event], next: event.eventId };
  const environment = testEnvironment();
  const list = async (...given: readonly unknown[]) => {
    asked.push([...given]);
    return answer;
  };
  const validate = (token: string) => Promise.resolve(validateByName(token));
  server = new GrpcServer({
    address: '127.0.0.1:0',
    services: [auditService({ list }, { validate }, environment)],
    reflection: false,
    log: environment.log,
  });
  audit = new AuditServiceClient(await server.listen(), credentials.createInsecure());
});

afterEach(async () => {
  audit.close();
  await server.drain({ delayMs: 0, timeoutMs: 0 });
});

const list = (given: Partial<ListAuditEventsRequest> = {}, as = admin) =>
  call(audit, audit.listAuditEvents, { ...EVERYTHING, ...given }, as);

describe('AuditService', () => {
  test('answers administrators only', async () => {
    const nobody = { metadata: { authorization: '' } };
    expect(await list({}, nobody)).toMatchObject({ code: status.UNAUTHENTICATED });
    const service = { metadata: { authorization: 'Bearer service' } };
    expect(await list({}, service)).toMatchObject({ code: status.PERMISSION_DENIED });
    expect(asked).toEqual([]);
  });

  test('answers every fact of an event', async () => {
    const { ok } = await list();
    expect(ok?.events).toEqual([
      {
        ...{ eventId: event.eventId, at: new Date(T0), lastAt: new Date(T0 + 5), count: 2 },
        kind: AuditEventKind.SESSION_ENDED,
        actor: {
          ...{ kind: AuditActorKind.CALLER, userId: auditId(1_000), username: 'root' },
          ...{ sessionId: auditId(1), clientId: 'web' },
        },
        ...{ userId: auditId(1_000), username: 'ada', sessionId: auditId(1), ipAddress: '192.0.2.1' },
        ...{ clientId: 'web', reason: 'LOGGED_OUT', details: { note: 'x' } },
      },
    ]);
  });

  test('lists a kind and an actor that a later release stored as unspecified', async () => {
    const later = { ...event.actor, kind: 'robot' as 'caller' };
    answer = { events: [{ ...event, kind: 'toString', actor: later }], next: undefined };
    const { ok } = await list();
    expect(ok).toMatchObject({ nextPageToken: '', events: [{ kind: 0, actor: { kind: 0 } }] });
  });

  test('asks for what the filter says, and from page to page', async () => {
    await list();
    const filter = {
      ...{ userId: auditId(1), sessionId: auditId(2), kind: AuditEventKind.SIGN_IN_FAILED },
      ...{ from: new Date(T0), until: new Date(T0 + 1), ipAddress: '2001:DB8::1', pageSize: 7 },
    };
    const { ok } = await list(filter);
    await list({ ...filter, pageToken: ok?.nextPageToken ?? '' });
    const expected = {
      ...{ userId: auditId(1), sessionId: auditId(2), kind: 'SignInFailed' },
      ...{ from: T0, until: T0 + 1, ipAddress: '2001:db8::1' },
    };
    expect(asked).toEqual([
      [{}, 100, undefined],
      [expected, 7, undefined],
      [expected, 7, event.eventId],
    ]);
  });

  test.each<readonly [Partial<ListAuditEventsRequest>, readonly string[]]>([
    [{ pageSize: 1_001 }, ['page_size']],
    [{ pageToken: 'forged' }, ['page_token']],
    [{ pageToken: Buffer.from('x'.repeat(36)).toString('base64url') }, ['page_token']],
    [{ userId: 'ada', sessionId: '1' }, ['user_id', 'session_id']],
    [{ kind: 99 as never }, ['kind']],
    [{ from: new Date(T0), until: new Date(T0) }, ['until']],
    [{ from: new Date(-1) }, ['from']],
    [{ ipAddress: '192.0.2.1:80' }, ['ip_address']],
    [{ ipAddress: '::1%a' }, ['ip_address']],
    [{ ipAddress: '1'.repeat(2_000) }, ['ip_address']],
  ])('refuses what cannot be asked: %j', async (request, fields) => {
    expect(await list(request)).toMatchObject({ code: status.INVALID_ARGUMENT, fields });
    expect(asked).toEqual([]);
  });
});
