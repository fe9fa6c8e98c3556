import type { Handler } from '../call.ts';
import { type Decoder, decodeStrictly } from '../encoding.ts';
import type { RequestLimits } from '../request-limits.ts';

/**
 * Decodes the request.
 *
 * Inside error translation, which gives a refusal its form: what is thrown in the library's own decoding is answered
 * as INTERNAL, as though the fault were ours. Inside caller authentication: nobody else can have it done. Around
 * field checks: from here on inwards a request is a message of its type.
 */
export function decodedRequest<Request, Response>(
  next: Handler<Request, Response>,
  type: Decoder<Request>,
  limits: RequestLimits,
): Handler<Buffer, Response> {
  return (bytes, call) => next(decodeStrictly(type, bytes, limits), call);
}
