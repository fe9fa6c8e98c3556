// Sign-in through identity providers, and the linked accounts. Each function throws a LatchkeyError or a Refusal.
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { SessionSummary } from '../../client/index.ts';
import type { BffContext } from '../bff-context.ts';
import { deviceOf } from '../browser/device.ts';
import type { BrowserFlow } from '../browser/flow-cookie.ts';
import type { IdentityView } from '../provider-views.ts';
import { Refusal } from '../refusal.ts';
import type { ProviderAnswerView } from '../views.ts';
import type { LivingSession } from './browser-sessions.ts';
import { withDeviceToken } from './device-token.ts';
import { acceptSession, openedOf, summaryOf } from './sign-ins.ts';

/** What the browser brought back from a provider, and which session may end for it. */
export interface ProviderAnswer extends ProviderAnswerView {
  /** Empty: none. */
  readonly endSessionId: string;
}

/** What became of a flow. */
export type FlowOutcome =
  | { readonly kind: 'signed-in' }
  | { readonly kind: 'linked' }
  | { readonly kind: 'session-limit'; readonly sessions: readonly SessionSummary[] };

/** The accounts that are linked to a user. */
export interface LinkedAccounts {
  readonly identities: readonly IdentityView[];
  /** Empty: unknown. */
  readonly username: string;
}

/** How long a call may take, in milliseconds: longer than a provider may by default (5 s). */
const TIMEOUT_MS = 15_000;

/** Begins a flow, which replaces that of the browser. Returns where the provider signs people in. */
export async function beginFlow(
  context: BffContext,
  request: FastifyRequest,
  reply: FastifyReply,
  provider: string,
  { purpose, next }: Pick<BrowserFlow, 'purpose' | 'next'>,
): Promise<string> {
  const { client, flows, front } = context;
  const { browserSession: session } = request;
  const link = purpose === 'link' && session?.kind === 'living' ? session : undefined;
  const origin = link ? front.userOrigin(request) : front.ownOrigin(request);
  const begun = await client.externalLogin.beginExternalLogin(
    { provider, link: link !== undefined, origin },
    { timeoutMs: TIMEOUT_MS, ...(link && { token: link.accessToken }) },
  );
  flows.set(request, reply, { flowId: begun.flowId, flowSecret: begun.flowSecret, purpose, next });
  return begun.authorizationUrl;
}

/** The flow that an answer belongs to. Undefined: this browser did not begin it, or began another one since. */
export function flowOf(
  context: BffContext,
  request: FastifyRequest,
  { query }: Pick<ProviderAnswer, 'query'>,
): BrowserFlow | undefined {
  const flow = context.flows.read(request);
  return flow !== undefined && new URLSearchParams(query).get('state') === flow.flowId ? flow : undefined;
}

/** Completes a flow. Safe to repeat: a lost answer loses nothing. */
export async function completeFlow(
  context: BffContext,
  request: FastifyRequest,
  reply: FastifyReply,
  { flowSecret }: BrowserFlow,
  { provider, query, endSessionId }: ProviderAnswer,
): Promise<FlowOutcome> {
  const { client, clientId, cookies, flows, front } = context;
  const { device, deviceToken } = deviceOf(request, cookies);
  const answer = { provider, callbackQuery: query, flowSecret, endSessionId };
  const asker = { clientId, device, origin: front.ownOrigin(request), labels: {} };
  const { outcome } = await withDeviceToken(deviceToken, (token) =>
    client.externalLogin.completeExternalLogin(
      { ...answer, ...asker, deviceToken: token },
      { timeoutMs: TIMEOUT_MS },
    ),
  );
  if (outcome === undefined) throw new Error('The service sent an unknown outcome; update this program.');
  if (outcome.$case === 'sessionLimit') {
    return { kind: 'session-limit', sessions: outcome.value.sessions.map(summaryOf) };
  }
  flows.clear(reply);
  if (outcome.$case === 'linked') return { kind: 'linked' };
  await acceptSession(context, request, reply, device.deviceId, openedOf(outcome.value));
  return { kind: 'signed-in' };
}

/** The linked accounts of the user. */
export async function listIdentities(
  context: BffContext,
  { accessToken }: LivingSession,
): Promise<LinkedAccounts> {
  const { client, providers } = context;
  const { identities, username } = await client.externalLogin.listIdentities({}, { token: accessToken });
  const views = identities.map(({ provider, subject, displayName, linkedAt, lastUsedAt }) => ({
    identityId: `${provider}.${subject}`,
    provider: providers.named(provider),
    displayName,
    linkedAt,
    lastUsedAt,
  }));
  return { identities: views, username };
}

/** Unlinks an account. @param identityId the name of the provider, a dot, and the provider's id of the account. */
export async function unlinkIdentity(
  context: BffContext,
  request: FastifyRequest,
  { accessToken }: LivingSession,
  identityId: string,
): Promise<void> {
  const dot = identityId.indexOf('.');
  if (dot < 1) throw new Refusal(400, 'bad-request', 'The field identity_id is malformed.');
  const provider = identityId.slice(0, dot);
  const subject = identityId.slice(dot + 1);
  const origin = context.front.userOrigin(request);
  const { externalLogin } = context.client;
  await externalLogin.unlinkIdentity({ provider, subject, origin }, { token: accessToken });
}
