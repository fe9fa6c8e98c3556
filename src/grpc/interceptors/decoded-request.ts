import type { Handler } from '../call.ts';
import { type Decoder, decodeStrictly } from '../encoding.ts';
import type { RequestLimits } from '../request-limits.ts';

/**
 * Decodes the request.
 *
 * Inside error translation, which turns a refusal into its status: an error in the library's own decoding would be
 * answered as INTERNAL. Inside caller authentication, so that only admitted callers cost decoding. Around field
 * checks, which need the decoded message.
 */
export function decodedRequest<Request, Response>(
  next: Handler<Request, Response>,
  type: Decoder<Request>,
  limits: RequestLimits,
): Handler<Buffer, Response> {
  return (bytes, call) => next(decodeStrictly(type, bytes, limits), call);
}
