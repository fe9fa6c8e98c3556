import type { LatchkeyClient, Revocation } from '../../client/index.ts';

type Listener = (revocation: Revocation) => void;

/** Tells the open pages of a user that sessions of theirs ended, from the client's own copy of the revocation log. */
export class RevocationListeners {
  readonly #byUser = new Map<string, Set<Listener>>();
  readonly #stop: () => void;

  constructor(client: Pick<LatchkeyClient, 'onRevocation'>) {
    this.#stop = client.onRevocation((revocation) => {
      for (const listener of this.#byUser.get(revocation.userId) ?? []) listener(revocation);
    });
  }

  /** @returns a function that removes the listener. */
  listen(userId: string, listener: Listener): () => void {
    const listeners = this.#byUser.get(userId) ?? new Set();
    this.#byUser.set(userId, listeners.add(listener));
    return () => {
      if (listeners.delete(listener) && listeners.size === 0) this.#byUser.delete(userId);
    };
  }

  close(): void {
    this.#stop();
  }
}
