import { createHash } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type BffContext, livingSession } from '../bff-context.ts';
import { field, pathPart } from '../http/fields.ts';
import { type Operation, SIGN_IN_RESPONSES } from '../http/operations.ts';
import { approveTicket, denyTicket, scanTicket } from '../session/approvals.ts';
import { createTicket, readTicket, ticketEvent } from '../session/browser-tickets.ts';
import { noTicket, signInByTicket, ticketAtLimit } from '../session/sign-ins.ts';
import { ticketEvents } from './sign-in-routes.ts';

const SESSION = { session: 'required' } as const;
const OPTIONAL = { session: 'optional' } as const;
const OVER = { 404: '`TICKET_NOT_FOUND`.', 409: '`TICKET_OVER`, with `state` and `denial`.' };

/** Sign-in by QR code: both sides. */
export function ticketOperations(context: BffContext): readonly Operation[] {
  return [
    {
      method: 'POST',
      path: '/api/ticket',
      tag: 'QR code',
      needs: OPTIONAL,
      summary: 'Make a code to show',
      description: 'The secret that redeems it stays in a cookie. A code replaces the one before.',
      responses: {
        201: '`url` for the image, `state`, `digits` and `expiresAt`.',
        429: '`TOO_MANY_ATTEMPTS`.',
      },
      handler: async (request, reply) => reply.code(201).send(await createTicket(context, request, reply)),
    },
    {
      method: 'GET',
      path: '/api/ticket',
      tag: 'QR code',
      summary: 'The state of the code that this browser shows',
      responses: {
        200: '`state`, `denial`, `digits`, `expiresAt`; with an ETag.',
        304: 'Unchanged.',
        ...OVER,
      },
      handler: (request, reply) => pollTicket(context, request, reply),
    },
    {
      method: 'GET',
      path: '/api/ticket/events',
      tag: 'QR code',
      summary: 'The states of the code, as an event stream',
      responses: { 200: 'Events `ticket`, as the poll returns them, until a final state.', ...OVER },
      handler: (request, reply) => ticketEvents(context, request, reply),
    },
    {
      method: 'POST',
      path: '/api/ticket/redeem',
      tag: 'QR code',
      needs: OPTIONAL,
      summary: 'Sign in with an approved code',
      description: 'Safe to repeat: a lost answer loses nothing.',
      body: {
        endSessionId: { type: 'string', description: 'A session to end at the limit.', maxLength: 36 },
      },
      responses: {
        202: 'Not approved yet.',
        204: 'Signed in.',
        ...SIGN_IN_RESPONSES,
        ...OVER,
        429: '`TICKET_POLLED_TOO_OFTEN`.',
      },
      handler: async (request, reply) => {
        const outcome = await signInByTicket(context, request, reply, field(request, 'endSessionId'));
        if (outcome.kind === 'session-limit') throw ticketAtLimit(outcome.sessions);
        return reply.code(outcome.kind === 'pending' ? 202 : 204).send();
      },
    },
    {
      method: 'POST',
      path: '/api/tickets/:ticketId/scan',
      tag: 'QR code',
      needs: SESSION,
      summary: 'Scan a code',
      description: 'Call it when the user acts, never just because a page is loaded.',
      responses: { 200: 'The device that asks.', ...OVER },
      handler: (request) => scanTicket(context, request, livingSession(request), ticketIdOf(request)),
    },
    {
      method: 'POST',
      path: '/api/tickets/:ticketId/approve',
      tag: 'QR code',
      needs: SESSION,
      summary: 'Approve a code that was scanned',
      description: 'One wrong try ends the code.',
      body: {
        digits: { type: 'string', description: 'The two digits on the other device.', pattern: '^[0-9]{2}$' },
      },
      required: ['digits'],
      responses: { 204: 'Approved.', ...OVER },
      handler: async (request, reply) => {
        const digits = field(request, 'digits');
        await approveTicket(context, request, livingSession(request), ticketIdOf(request), digits);
        return reply.code(204).send();
      },
    },
    {
      method: 'POST',
      path: '/api/tickets/:ticketId/deny',
      tag: 'QR code',
      needs: SESSION,
      summary: 'Deny a code',
      responses: { 204: 'Denied.', ...OVER },
      handler: async (request, reply) => {
        await denyTicket(context, request, livingSession(request), ticketIdOf(request));
        return reply.code(204).send();
      },
    },
  ];
}

/** A poll, with an ETag of the state. */
async function pollTicket(
  context: BffContext,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const ticket = context.tickets.read(request);
  if (ticket === undefined) throw noTicket();
  const state = ticketEvent(await readTicket(context, ticket));
  const hash = createHash('sha256').update(JSON.stringify(state)).digest('base64url').slice(0, 22);
  const tag = `"${hash}"`;
  // `no-store` would keep the browser from sending the tag again.
  reply.headers({ etag: tag, 'cache-control': 'private, no-cache' });
  return request.headers['if-none-match'] === tag ? reply.code(304).send() : reply.send(state);
}

function ticketIdOf(request: FastifyRequest): string {
  return pathPart(request, 'ticketId');
}
