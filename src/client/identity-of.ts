import type { Identity } from './validation.ts';

const identities = new WeakMap<object, Identity>();

/** Notes who makes a call. The guards do, once they have admitted it; `carrier` is what a handler gets to see. */
export function bindIdentity(carrier: object, identity: Identity): void {
  identities.set(carrier, identity);
}

/**
 * Who makes this call: of a gRPC handler's `call`, or an HTTP handler's `request`.
 *
 * Throws where no guard has admitted the call, and where its access is `public`: a handler that was left
 * unguarded by mistake fails, and serves nobody. In gRPC the identity is bound to the call's metadata, so an
 * interceptor between guard and handler that hands on other metadata loses it.
 */
export function identityOf(call: object): Identity {
  const identity = identities.get(call) ?? identities.get(metadataOf(call));
  if (identity === undefined) throw new Error('No guard has admitted this call, so it has no identity.');
  return identity;
}

function metadataOf(call: object): object {
  const { metadata } = call as { metadata?: unknown };
  return typeof metadata === 'object' && metadata !== null ? metadata : call;
}
