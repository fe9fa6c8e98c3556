import type { Handler } from '../call.ts';
import { bytesOf, type Encoder } from '../encoding.ts';

/**
 * Encodes the response.
 *
 * Around the handler itself, so that an answer which cannot be encoded is a fault like any other: translated,
 * logged and counted. The library would encode it after all of that, and answer a bare INTERNAL.
 */
export function encodedResponse<Request, Response>(
  next: Handler<Request, Response>,
  type: Encoder<Response>,
): Handler<Request, Buffer> {
  const encode = (response: Response) => bytesOf(type, response);
  return (request, call) => {
    const response = next(request, call);
    return response instanceof Promise ? response.then(encode) : encode(response);
  };
}
