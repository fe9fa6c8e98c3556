import type { CallSource } from '../core/password/password-queue.ts';
import type { Call } from './call.ts';
import { networkOf } from './peer-address.ts';

/**
 * Returns the source of a call, for queues that share capacity between sources.
 *
 * @param ipAddress the user's address, if a front stated it. Default: the peer's address.
 */
export function callSource(
  call: Call,
  purpose: CallSource['purpose'],
  ipAddress: string = call.peerAddress,
): CallSource {
  return { purpose, address: networkOf(ipAddress), connection: call.connection };
}
