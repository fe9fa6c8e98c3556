import type { CallSource } from '../core/login/password-queue.ts';
import type { Call } from './call.ts';
import { networkOf } from './peer-address.ts';

/**
 * Where a call comes from, for queues that share capacity between callers. The address is that of the peer. Once
 * trusted fronts state the address of the person behind them, it belongs here instead.
 */
export function callSource(call: Call, purpose: CallSource['purpose']): CallSource {
  return { purpose, address: networkOf(call.peerAddress), connection: call.connection };
}
