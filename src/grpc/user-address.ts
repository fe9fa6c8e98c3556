import type { Origin } from '../gen/latchkey/v1/session.ts';
import type { Call } from './call.ts';
import type { CallerCheck } from './interceptors/caller-auth.ts';
import { canonicalAddress, isPublicAddress, networkOf } from './peer-address.ts';

/** A request in which a front may state the address of a user. */
interface StatesOrigin {
  readonly origin?: Origin | undefined;
}

/** The user's address: from the `origin` of a front, otherwise the peer's. Refuses an `origin` from other callers. */
export async function userAddress(
  { origin }: StatesOrigin,
  call: Call,
  checkFront: CallerCheck,
): Promise<string> {
  if (origin === undefined) return call.peerAddress;
  await checkFront(call);
  return canonicalAddress(origin.ipAddress);
}

/**
 * The network that failed sign-ins are counted at; empty for none. A front states where a person is. Without a front, a
 * local address is often that of a proxy or an application: a limit for all people behind it would be a weapon.
 */
export function limitedNetwork({ origin }: StatesOrigin, ipAddress: string): string {
  return origin !== undefined || isPublicAddress(ipAddress) ? networkOf(ipAddress) : '';
}
