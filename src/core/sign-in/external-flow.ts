import { createHmac } from 'node:crypto';
import type { SessionRef } from '../session/session.ts';
import type { FlowProof, ProviderAccount } from './identity-provider.ts';

export const FLOW_STATES = ['PENDING', 'TAKEN', 'IDENTIFIED', 'FAILED'] as const;
/**
 * PENDING: the person is at the provider. TAKEN: one call asks the provider who it is. IDENTIFIED: it is known.
 * FAILED: the provider did not say.
 */
export type FlowState = (typeof FLOW_STATES)[number];

/** One sign-in or link through a provider, from the redirect to the callback. Times are milliseconds since 1970. */
export interface ExternalFlow {
  /** The `state` of the request to the provider. Random. */
  readonly flowId: string;
  /** SHA-256 of the flow secret, which only the browser that began has; base64url. */
  readonly secretHash: string;
  readonly provider: string;
  /** The session of the user who links an account. Undefined: the flow signs in. */
  readonly linkingSession: SessionRef | undefined;
  readonly state: FlowState;
  /** When the flow is deleted. The take starts the time again, so that the user can choose a session to end. */
  readonly expiresAt: number;
  /** The id of the new session. Chosen once, so that a repeat cannot open a second one. Empty until taken. */
  readonly sessionId: string;
  /** 0 until taken. */
  readonly takenAt: number;
  /** Undefined unless the state is IDENTIFIED. */
  readonly account: ProviderAccount | undefined;
}

export type TakeOutcome =
  /** This call, and no other, may use the answer of the provider. */
  | { readonly kind: 'taken'; readonly flow: ExternalFlow }
  /** An earlier call took the flow. */
  | { readonly kind: 'again'; readonly flow: ExternalFlow }
  /** Unknown or expired, or the secret is wrong. Nothing has changed. */
  | { readonly kind: 'missing' };

/** How long a person may take at the provider; milliseconds. */
export const FLOW_TTL_MS = 600_000;

/** The rule of a take. `take-flow.lua` implements the same rule. @param flow undefined: there is no such flow. */
export function decideTake(
  flow: ExternalFlow | undefined,
  secretHash: string,
  sessionId: string,
  now: number,
): TakeOutcome {
  if (flow === undefined || now >= flow.expiresAt || flow.secretHash !== secretHash)
    return { kind: 'missing' };
  if (flow.state !== 'PENDING') return { kind: 'again', flow };
  const expiresAt = now + FLOW_TTL_MS;
  return { kind: 'taken', flow: { ...flow, state: 'TAKEN', sessionId, takenAt: now, expiresAt } };
}

/**
 * The proof of a flow. Nonce and PKCE verifier are derived from the flow secret. So the store holds no secret, and
 * without the browser's secret nobody can redeem the provider's code.
 */
export function flowProof(flowId: string, flowSecret: string): FlowProof {
  const derived = (label: string) => createHmac('sha256', flowSecret).update(label).digest('base64url');
  return { state: flowId, nonce: derived('nonce'), codeVerifier: derived('code verifier') };
}
