import { ValidateResponse } from '../../gen/latchkey/v1/identity.ts';
import type { Accepted, Judgement } from '../../validator/verdict.ts';
import { EncodedMessage } from '../encoding.ts';
import { identityOf, validateResponse } from './verdict-message.ts';

/**
 * Encodes answers of Validate. For a good token from two pieces: the identity, which is the same at every use of the
 * token, and how current the verdict is, which is the same for every token until the feed moves. Protobuf lets
 * messages with different fields be encoded one after the other, so both pieces are the generated encoder's work,
 * done once, and only put together at each call.
 */
export class ValidateEncoder {
  #asOf = Number.NaN;
  #revision: string | undefined;
  #freshness: Uint8Array = new Uint8Array();

  encode(judgement: Judgement): EncodedMessage {
    const { verdict, asOf, revision } = judgement;
    if (verdict.kind !== 'accepted') {
      return new EncodedMessage(ValidateResponse.encode(validateResponse(judgement)).finish());
    }
    verdict.encodedIdentity ??= encodeIdentity(verdict);
    return new EncodedMessage(Buffer.concat([verdict.encodedIdentity, this.#currencyBytes(asOf, revision)]));
  }

  #currencyBytes(asOf: number, revision: string | undefined): Uint8Array {
    if (asOf !== this.#asOf || revision !== this.#revision) {
      this.#freshness = ValidateResponse.encode({
        verdict: undefined,
        asOf: new Date(asOf),
        revision: revision ?? '',
      }).finish();
      this.#asOf = asOf;
      this.#revision = revision;
    }
    return this.#freshness;
  }
}

function encodeIdentity({ claims }: Accepted): Uint8Array {
  const verdict = { $case: 'identity', value: identityOf(claims) } as const;
  return ValidateResponse.encode({ verdict, asOf: undefined, revision: '' }).finish();
}
