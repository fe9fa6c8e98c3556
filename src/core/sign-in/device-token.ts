import type { Clock } from '../../validator/clock.ts';
import { invalidField } from '../failure.ts';
import type { IdSource } from '../ids.ts';
import { MacTokens } from '../mac-tokens.ts';

/** A device that signed a user in before. */
export interface KnownDevice {
  readonly userId: string;
  readonly deviceId: string;
  /** Milliseconds since 1970, a whole second. */
  readonly issuedAt: number;
}

export interface DeviceTokensOptions {
  /** Keys of 32 bytes, newest first. */
  readonly macKeys: readonly Buffer[];
  readonly clock: Pick<Clock, 'now'>;
  readonly ids: IdSource;
}

const PREFIX = 'lkd_';
const DAY_MS = 86_400_000;
/** A token older than this is ignored. */
export const DEVICE_TOKEN_TTL_MS = 180 * DAY_MS;
/** A token older than this is replaced at the next sign-in. */
const DEVICE_TOKEN_RENEWAL_MS = 30 * DAY_MS;

/**
 * Device tokens: `MacTokens` of the user id, a random device id and the second of issue. Nothing is stored.
 *
 * A token is no credential. It only proves that somebody with the right password once used this device; the password may
 * have changed since. A renewed token has the same device id, so that the device keeps its bucket of attempts.
 */
export class DeviceTokens {
  readonly #tokens: MacTokens;
  readonly #clock: DeviceTokensOptions['clock'];
  readonly #ids: IdSource;

  constructor({ macKeys, clock, ids }: DeviceTokensOptions) {
    this.#tokens = new MacTokens(PREFIX, macKeys);
    this.#clock = clock;
    this.#ids = ids;
  }

  /**
   * The device of a token. Undefined: none was given, or it has expired. Throws INVALID_FIELD for a token that this
   * service did not issue.
   */
  deviceOf(token: string): KnownDevice | undefined {
    if (token === '') return undefined;
    const content = this.#tokens.verify(token);
    if (content === undefined) {
      throw invalidField('device_token', 'is not a device token of this service; sign in without it');
    }
    const device = {
      userId: content.firstId,
      deviceId: content.secondId,
      issuedAt: content.number * 1_000,
    };
    return this.#ageOf(device) < DEVICE_TOKEN_TTL_MS ? device : undefined;
  }

  /** The token for a device that signed a user in. @param known the device, if it signed this user in before. */
  tokenFor(userId: string, known: KnownDevice | undefined): string {
    const now = this.#clock.now();
    const device =
      known !== undefined && this.#ageOf(known) < DEVICE_TOKEN_RENEWAL_MS
        ? known
        : { deviceId: known?.deviceId ?? this.#ids.next(now), issuedAt: now };
    const number = Math.floor(device.issuedAt / 1_000);
    return this.#tokens.mint({ firstId: userId, secondId: device.deviceId, number });
  }

  #ageOf({ issuedAt }: KnownDevice): number {
    return this.#clock.now() - issuedAt;
  }
}
