import type { CallSource } from '../core/login/password-queue.ts';
import type { Call } from './call.ts';
import { networkOf } from './peer-address.ts';

/**
 * Where a call comes from, for those who share something out between callers. The address is that of the peer; the
 * address that a trusted front states of the person behind it belongs here, in its place.
 */
export function callSource(call: Call, purpose: CallSource['purpose']): CallSource {
  return { purpose, address: networkOf(call.peerAddress), connection: call.connection };
}
