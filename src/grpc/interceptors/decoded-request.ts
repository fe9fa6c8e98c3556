import type { Handler } from '../call.ts';
import { type Decoder, decodeStrictly } from '../encoding.ts';
import type { RequestLimits } from '../request-limits.ts';

/**
 * Decodes the request.
 *
 * Inside error translation, which turns its failures into a status. The library would report a decoding error as
 * INTERNAL. Inside caller authentication, so that a refused caller costs no decoding. Outside field checks, which
 * need the decoded message.
 */
export function decodedRequest<Request, Response>(
  next: Handler<Request, Response>,
  type: Decoder<Request>,
  limits: RequestLimits,
): Handler<Buffer, Response> {
  return (bytes, call) => next(decodeStrictly(type, bytes, limits), call);
}
