import type { Clock } from '../../validator/clock.ts';
import { type Actor, type SecurityEvents, storeAndPublish } from '../audit/security-event.ts';
import type { KeyService, SigningKeyInfo } from '../keys/key-service.ts';

export interface KeyAdministrationOptions {
  readonly keys: Pick<KeyService, 'list' | 'reload' | 'rotate'>;
  readonly events: SecurityEvents;
  readonly clock: Clock;
}

/** Administers signing keys. Stores who rotated a key in the audit trail. */
export class KeyAdministration {
  readonly #options: KeyAdministrationOptions;

  constructor(options: KeyAdministrationOptions) {
    this.#options = options;
  }

  /** The published keys, newest first. */
  list(): readonly SigningKeyInfo[] {
    return this.#options.keys.list();
  }

  /** Reads the keys again, at most once per second. Fails with STORE_UNAVAILABLE. */
  reload(): Promise<void> {
    return this.#options.keys.reload();
  }

  /** Like `KeyService.rotate`. Also fails if the event cannot be stored; a repeat stores it and adds no further key. */
  async rotate(actor: Actor): Promise<SigningKeyInfo> {
    const { keys, events, clock } = this.#options;
    const key = await keys.rotate();
    const { keyId } = key;
    await storeAndPublish(events, { kind: 'SigningKeyRotated', at: clock.now(), actor, keyId });
    return key;
  }
}
