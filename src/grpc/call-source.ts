import type { CallSource } from '../core/login/password-queue.ts';
import type { Call } from './call.ts';
import { networkOf } from './peer-address.ts';

/**
 * Where a call comes from, for queues that share capacity between callers.
 *
 * @param ipAddress of the person, where a front stated it. Default: the peer's.
 */
export function callSource(
  call: Call,
  purpose: CallSource['purpose'],
  ipAddress: string = call.peerAddress,
): CallSource {
  return { purpose, address: networkOf(ipAddress), connection: call.connection };
}
