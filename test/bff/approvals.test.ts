import { expect, test } from '@jest/globals';
import type { FastifyRequest } from 'fastify';
import type { BffContext } from '../../src/bff/bff-context.ts';
import { Front, type FrontKind } from '../../src/bff/front.ts';
import { scanTicket } from '../../src/bff/session/approvals.ts';
import type { LivingSession } from '../../src/bff/session/browser-sessions.ts';

test.each<[FrontKind, boolean]>([
  ['certificate', true],
  ['account', false],
  ['none', false],
])('a front by %s believes that both devices are in one network: %s', async (kind, believes) => {
  const context = {
    client: { qrLogin: { scanTicket: async () => ({ sharesNetwork: true }) } },
    clock: { now: Date.now },
    front: new Front(kind),
  } as unknown as BffContext;
  const request = { ip: '203.0.113.7' } as FastifyRequest;
  const session = { accessToken: 'any' } as LivingSession;
  const asker = await scanTicket(context, request, session, 'A'.repeat(22));
  expect(asker.sharesNetwork).toBe(believes);
});
