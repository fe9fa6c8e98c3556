import type { Identity } from '../transport/validation.ts';

const identities = new WeakMap<object, Identity>();

/** Binds an identity to an admitted call. `carrier` is the object that handlers receive. */
export function bindIdentity(carrier: object, identity: Identity): void {
  identities.set(carrier, identity);
}

/**
 * Returns the identity of the caller.
 *
 * In gRPC the identity is bound to the call's metadata. An interceptor that replaces the metadata after the guard loses
 * it.
 *
 * @param call the `call` of a gRPC handler, or the `request` of an HTTP handler.
 * @throws Error if no guard has admitted the call, or its access is `public`. So a handler without a guard fails.
 *
 * @example
 * app.get('/me', guard.signedIn, (request, response) => {
 *   const { userId, roles } = identityOf(request);
 *   response.json({ userId, roles });
 * });
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
