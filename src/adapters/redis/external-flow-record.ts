import { type ExternalFlow, FLOW_STATES, type FlowState } from '../../core/sign-in/external-flow.ts';
import type { ProviderAccount } from '../../core/sign-in/identity-provider.ts';
import { timeOf } from './stored-values.ts';

const FORMAT = '1';

type Fields = Readonly<Record<string, string>>;

/** The fields of a flow's hash; `scripts/take-flow.lua` describes them. */
export function formatFlow(flow: ExternalFlow): Fields {
  return {
    format: FORMAT,
    provider: flow.provider,
    secret: flow.secretHash,
    linker_user: flow.linkingSession?.userId ?? '',
    linker_session: flow.linkingSession?.sessionId ?? '',
    state: flow.state,
    expires_at: String(flow.expiresAt),
    session_id: flow.sessionId,
    taken_at: String(flow.takenAt),
    account: formatAccount(flow.account),
  };
}

/** Empty: not known. */
export function formatAccount(account: ProviderAccount | undefined): string {
  if (account === undefined) return '';
  const { subject, displayName, methods } = account;
  return JSON.stringify({ subject, display_name: displayName, methods });
}

/** Undefined: there is no such flow, or it is damaged. */
export function parseFlow(flowId: string, fields: Fields): ExternalFlow | undefined {
  const text = (name: string) => fields[name] ?? '';
  const expiresAt = timeOf(text('expires_at'));
  const takenAt = timeOf(text('taken_at'));
  const state = text('state');
  const account = parseAccount(text('account'));
  const isGood = text('format') === FORMAT && isState(state) && account !== 'damaged';
  if (!isGood || expiresAt === undefined || takenAt === undefined) return undefined;
  const linkingSession = { userId: text('linker_user'), sessionId: text('linker_session') };
  return {
    flowId,
    state,
    expiresAt,
    takenAt,
    account,
    secretHash: text('secret'),
    provider: text('provider'),
    linkingSession: linkingSession.userId === '' ? undefined : linkingSession,
    sessionId: text('session_id'),
  };
}

function isState(text: string): text is FlowState {
  return (FLOW_STATES as readonly string[]).includes(text);
}

function parseAccount(text: string): ProviderAccount | undefined | 'damaged' {
  if (text === '') return undefined;
  try {
    const { subject, display_name: displayName, methods } = JSON.parse(text) as Record<string, unknown>;
    const isGood = typeof subject === 'string' && typeof displayName === 'string' && Array.isArray(methods);
    return isGood ? { subject, displayName, methods: methods.map(String) } : 'damaged';
  } catch {
    return 'damaged';
  }
}
