import { ValidateResponse } from '../../gen/latchkey/v1/identity.ts';
import type { Accepted, ValidationResult } from '../../validator/verdict.ts';
import { EncodedMessage } from '../encoding.ts';
import { identityMessage, validateResponse } from './verdict-message.ts';

/**
 * Encodes responses of Validate. The response for an accepted token has two parts, each encoded once and cached. The
 * identity is the same for every use of a token. The freshness is the same for all tokens until the follower advances.
 * Concatenated protobuf messages merge their fields, so each call only joins the two parts.
 */
export class ValidateEncoder {
  #asOf = Number.NaN;
  #revision: string | undefined;
  #freshness: Uint8Array = new Uint8Array();

  encode(result: ValidationResult): EncodedMessage {
    const { verdict, asOf, revision } = result;
    if (verdict.kind !== 'accepted') {
      return new EncodedMessage(ValidateResponse.encode(validateResponse(result)).finish());
    }
    verdict.encodedIdentity ??= encodeIdentity(verdict);
    return new EncodedMessage(Buffer.concat([verdict.encodedIdentity, this.#freshnessBytes(asOf, revision)]));
  }

  #freshnessBytes(asOf: number, revision: string | undefined): Uint8Array {
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
  const verdict = { $case: 'identity', value: identityMessage(claims) } as const;
  return ValidateResponse.encode({ verdict, asOf: undefined, revision: '' }).finish();
}
