import { ValidateResponse } from '../../gen/latchkey/v1/identity.ts';
import type { Identity } from '../../gen/latchkey/v1/validation.ts';
import type { Encoder } from '../encoding.ts';

const NOTHING: ValidateResponse = { verdict: undefined, asOf: undefined, revision: '' };

/**
 * Encodes the answer to a token that was seen before from two pieces: the identity, which is the same at every use
 * of the token, and how current the verdict is, which is the same for every token until the feed moves. Protobuf
 * lets messages with different fields be encoded one after the other, so both pieces are the generated encoder's
 * work, done once, and only put together at each call.
 */
export class ValidateResponseEncoder implements Encoder<ValidateResponse> {
  readonly #identities = new WeakMap<Identity, Uint8Array>();
  #asOf = Number.NaN;
  #revision = '';
  #currency: Uint8Array = new Uint8Array();

  encode(message: ValidateResponse): { finish(): Uint8Array } {
    const { verdict, asOf, revision } = message;
    if (verdict?.$case !== 'identity') return ValidateResponse.encode(message);
    const identity = this.#identityBytes(verdict.value, verdict);
    const currency = this.#currencyBytes(asOf, revision);
    return { finish: () => Buffer.concat([identity, currency]) };
  }

  #identityBytes(identity: Identity, verdict: ValidateResponse['verdict']): Uint8Array {
    let bytes = this.#identities.get(identity);
    if (bytes === undefined) {
      bytes = ValidateResponse.encode({ ...NOTHING, verdict }).finish();
      this.#identities.set(identity, bytes);
    }
    return bytes;
  }

  #currencyBytes(asOf: Date | undefined, revision: string): Uint8Array {
    const at = asOf?.getTime() ?? Number.NaN;
    if (at !== this.#asOf || revision !== this.#revision) {
      this.#currency = ValidateResponse.encode({ ...NOTHING, asOf, revision }).finish();
      this.#asOf = at;
      this.#revision = revision;
    }
    return this.#currency;
  }
}
