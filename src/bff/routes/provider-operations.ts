import type { FastifyReply, FastifyRequest } from 'fastify';
import { type BffContext, livingSession } from '../bff-context.ts';
import type { BrowserFlow } from '../browser/flow-cookie.ts';
import { nextPath } from '../browser/next-path.ts';
import { field } from '../http/fields.ts';
import type { Operation } from '../http/operations.ts';
import { beginFlow, listIdentities, unlinkIdentity } from '../session/external-logins.ts';

const SESSION = { session: 'required' } as const;
const OPTIONAL = { session: 'optional' } as const;
const TAG = 'Providers';
const PROVIDER = { type: 'string', description: 'The `name` of the provider.', maxLength: 32 } as const;
const BEGUN = {
  200: '`authorizationUrl`: send the browser there. It comes back to a page of this site.',
  404: '`PROVIDER_NOT_FOUND`.',
  429: '`TOO_MANY_ATTEMPTS`.',
};

/** Sign-in through identity providers, and the accounts that are linked. */
export function providerOperations(context: BffContext): readonly Operation[] {
  const begin = (request: FastifyRequest, reply: FastifyReply, flow: Pick<BrowserFlow, 'purpose' | 'next'>) =>
    beginFlow(context, request, reply, field(request, 'provider'), flow);
  return [
    {
      method: 'GET',
      path: '/api/providers',
      tag: TAG,
      summary: 'The identity providers',
      responses: { 200: '`providers`, each with `name` and `displayName`. Empty: there are none.' },
      handler: async () => ({ providers: await context.providers.current() }),
    },
    {
      method: 'POST',
      path: '/api/providers/sign-in',
      tag: TAG,
      needs: OPTIONAL,
      summary: 'Begin a sign-in through a provider',
      description: 'Its secret stays in a cookie. It replaces what this browser began before.',
      body: {
        provider: PROVIDER,
        next: { type: 'string', description: 'The page to go to afterwards.', maxLength: 256 },
      },
      required: ['provider'],
      responses: BEGUN,
      handler: async (request, reply) => {
        const next = nextPath(field(request, 'next'));
        return { authorizationUrl: await begin(request, reply, { purpose: 'sign-in', next }) };
      },
    },
    {
      method: 'POST',
      path: '/api/providers/link',
      tag: TAG,
      needs: SESSION,
      summary: 'Begin to link an account to the user',
      body: { provider: PROVIDER },
      required: ['provider'],
      responses: BEGUN,
      handler: async (request, reply) => {
        const next = '/providers';
        return { authorizationUrl: await begin(request, reply, { purpose: 'link', next }) };
      },
    },
    {
      method: 'GET',
      path: '/api/identities',
      tag: TAG,
      needs: SESSION,
      summary: 'The linked accounts of the user',
      responses: { 200: '`identities`, in the order in which they were linked, and `username`.' },
      handler: (request) => listIdentities(context, livingSession(request)),
    },
    {
      method: 'POST',
      path: '/api/identities/unlink',
      tag: TAG,
      needs: SESSION,
      summary: 'Unlink an account',
      description: 'Sessions that it signed in go on.',
      body: {
        identityId: { type: 'string', description: '`identityId` of the account.', maxLength: 300 },
      },
      required: ['identityId'],
      responses: {
        204: 'It is not linked any more.',
        404: '`IDENTITY_NOT_FOUND`.',
        409: '`LAST_SIGN_IN_METHOD`: the user could not sign in any more.',
      },
      handler: async (request, reply) => {
        await unlinkIdentity(context, request, livingSession(request), field(request, 'identityId'));
        return reply.code(204).send();
      },
    },
  ];
}
