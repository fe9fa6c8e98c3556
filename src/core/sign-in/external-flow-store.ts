import type { ExternalFlow, TakeOutcome } from './external-flow.ts';
import type { ProviderAccount } from './identity-provider.ts';

/**
 * Stores flows to identity providers and back.
 *
 * Law:
 * - Every method is one atomic step on one flow.
 * - `take` follows `decideTake` exactly. So one call takes a flow, whichever process it runs in.
 * - `settle` changes only a flow that is TAKEN.
 * - A damaged flow is missing.
 * - Driver errors and timeouts become STORE_UNAVAILABLE with `store: sessions`. A step that timed out never runs later.
 */
export interface ExternalFlowStore {
  /** Stores a new flow. @param now milliseconds since 1970. */
  create(flow: ExternalFlow, now: number): Promise<void>;
  /** Takes a flow. @param sessionId the id of the session to open, unless an earlier call chose one. */
  take(flowId: string, secretHash: string, sessionId: string, now: number): Promise<TakeOutcome>;
  /** Ends the exchange. @param account undefined: it failed. */
  settle(flowId: string, account: ProviderAccount | undefined): Promise<void>;
  /** Fixes the user whom the flow signs in: the first one stays. Returns that user's id; empty: the flow is unknown. */
  bind(flowId: string, userId: string): Promise<string>;
}
