import type { FastifyRequest } from 'fastify';
import { type BffContext, livingSession } from '../bff-context.ts';
import { field, parameter, pathPart } from '../http/fields.ts';
import { type Operation, SIGN_IN_RESPONSES } from '../http/operations.ts';
import {
  changePassword,
  endOtherSessions,
  endSession,
  explainSession,
  followSession,
  listSessions,
} from '../session/own-sessions.ts';
import { signInByPassword, signOut } from '../session/sign-ins.ts';

const SESSION = { session: 'required' } as const;
const OPTIONAL = { session: 'optional' } as const;

/** Sign-in by password, and what a signed-in user does with their sessions. */
export function sessionOperations(context: BffContext): readonly Operation[] {
  return [
    {
      method: 'GET',
      path: '/api/session',
      tag: 'Sign-in',
      needs: OPTIONAL,
      summary: 'Who is signed in',
      description: 'Also starts a pre-session, and returns the CSRF token that changes need.',
      responses: { 200: '`isSignedIn`, `csrfToken`; then `identity`, or `ended` if the session has ended.' },
      handler: (request, reply) => {
        const { browserSession: session } = request;
        if (session?.kind === 'living') {
          const csrfToken = context.csrf.tokenFor({ sessionId: session.identity.sessionId });
          return { isSignedIn: true, csrfToken, identity: session.identity };
        }
        const csrfToken = context.csrf.tokenFor({ preSessionId: context.preSessions.of(request, reply) });
        return { isSignedIn: false, csrfToken, ...(session?.kind === 'ended' && { ended: session.end }) };
      },
    },
    {
      method: 'POST',
      path: '/api/sign-in',
      tag: 'Sign-in',
      needs: OPTIONAL,
      summary: 'Sign in by password',
      description: 'Sets the cookies of the session. `GET /api/session` then has another CSRF token.',
      body: {
        username: { type: 'string', description: 'The username.', maxLength: 256 },
        password: { type: 'string', description: 'The password, as typed.', maxLength: 2_048 },
        endSessionId: {
          type: 'string',
          description: 'A session to end at the session limit.',
          maxLength: 36,
        },
      },
      required: ['username', 'password'],
      responses: {
        204: 'Signed in.',
        401: '`INVALID_CREDENTIALS`.',
        ...SIGN_IN_RESPONSES,
        409: '`SESSION_LIMIT_REACHED`: repeat with `endSessionId`, one of `sessions`.',
        422: '`INVALID_FIELD`: `violations` says what is wrong.',
        429: '`TOO_MANY_ATTEMPTS`: wait as `Retry-After` says.',
      },
      handler: async (request, reply) => {
        const typed = { username: field(request, 'username'), password: field(request, 'password') };
        await signInByPassword(context, request, reply, {
          ...typed,
          endSessionId: field(request, 'endSessionId'),
        });
        return reply.code(204).send();
      },
    },
    {
      method: 'POST',
      path: '/api/sign-out',
      tag: 'Sign-in',
      needs: { session: 'optional', csrf: 'living' },
      summary: 'Sign out',
      responses: { 204: 'The session has ended. The end is durable.' },
      handler: async (request, reply) => {
        await signOut(context, request, reply);
        return reply.code(204).send();
      },
    },
    {
      method: 'GET',
      path: '/api/sessions',
      tag: 'Sessions',
      needs: SESSION,
      summary: 'The devices of the user',
      query: { pageToken: { type: 'string', description: '`nextPageToken` of the page before.' } },
      responses: { 200: '`sessions`, the living ones first, `nextPageToken`, and `username`.' },
      handler: (request) => listSessions(context, livingSession(request), parameter(request, 'pageToken')),
    },
    {
      method: 'GET',
      path: '/api/sessions/:sessionId',
      tag: 'Sessions',
      needs: SESSION,
      summary: 'What happened to a session',
      responses: { 200: '`session`, `entries`, and how the end is known.', 404: '`SESSION_NOT_FOUND`.' },
      handler: (request) => explainSession(context, livingSession(request), sessionIdOf(request)),
    },
    {
      method: 'DELETE',
      path: '/api/sessions/:sessionId',
      tag: 'Sessions',
      needs: SESSION,
      summary: 'End one session',
      responses: { 204: 'It has ended. The end is durable.', 404: '`SESSION_NOT_FOUND`.' },
      handler: async (request, reply) => {
        await endSession(context, request, reply, livingSession(request), sessionIdOf(request));
        return reply.code(204).send();
      },
    },
    {
      method: 'POST',
      path: '/api/sessions/end-others',
      tag: 'Sessions',
      needs: SESSION,
      summary: 'End all other sessions',
      responses: { 200: '`endedCount`: how many ended.' },
      handler: async (request) => ({ endedCount: await endOtherSessions(context, livingSession(request)) }),
    },
    {
      method: 'POST',
      path: '/api/password',
      tag: 'Sessions',
      needs: SESSION,
      summary: 'Change the password',
      description: 'This session stays signed in. All other sessions of the user end.',
      body: {
        currentPassword: { type: 'string', description: 'The current password.', maxLength: 2_048 },
        newPassword: { type: 'string', description: 'The new password.', maxLength: 2_048 },
      },
      required: ['currentPassword', 'newPassword'],
      responses: {
        200: '`endedCount`: how many other sessions ended.',
        401: '`INVALID_CREDENTIALS`: the current password is wrong. The session stays signed in.',
        422: '`INVALID_FIELD`: `violations` says what is wrong with the new password.',
        429: '`TOO_MANY_ATTEMPTS`.',
      },
      handler: async (request) => {
        const current = field(request, 'currentPassword');
        const next = field(request, 'newPassword');
        return { endedCount: await changePassword(context, request, livingSession(request), current, next) };
      },
    },
    {
      method: 'GET',
      path: '/api/events',
      tag: 'Sessions',
      needs: SESSION,
      summary: 'What happens to the sessions of the user, as an event stream',
      responses: {
        200: 'Events `alive`, `interrupted`, `session-ended` (another session) and `ended` (this one, the last event).',
      },
      handler: (request, reply) => {
        const session = livingSession(request);
        const owner = { kind: 'session', id: session.identity.sessionId } as const;
        return context.streams.open(request, reply, owner, (send, signal) =>
          followSession(context, session, send, signal),
        );
      },
    },
  ];
}

function sessionIdOf(request: FastifyRequest): string {
  return pathPart(request, 'sessionId');
}
