import type { Origin } from '../gen/latchkey/v1/session.ts';
import type { Call } from './call.ts';
import type { CallerCheck } from './interceptors/caller-auth.ts';
import { canonicalAddress, isPublicAddress, networkOf } from './peer-address.ts';

/** A request in which a front may state the address of a user. */
interface WithOrigin {
  readonly origin?: Origin | undefined;
}

/** The user's address: the `origin` that a front states, otherwise the peer's. Refuses `origin` from other callers. */
export async function userAddress(
  { origin }: WithOrigin,
  call: Call,
  checkFront: CallerCheck,
): Promise<string> {
  if (origin === undefined) return call.peerAddress;
  await checkFront(call);
  return canonicalAddress(origin.ipAddress);
}

/**
 * The network at which failed sign-ins are counted; empty: none. A front states the address of a person. Without a
 * front, a local address is often that of a proxy: one person behind it could keep out everybody else.
 */
export function limitedNetwork({ origin }: WithOrigin, ipAddress: string): string {
  return origin !== undefined || isPublicAddress(ipAddress) ? networkOf(ipAddress) : '';
}
