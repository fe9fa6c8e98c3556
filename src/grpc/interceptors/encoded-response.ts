import type { Handler } from '../call.ts';
import { bytesOf, type Encoder } from '../encoding.ts';

/**
 * Encodes the response.
 *
 * Directly around the handler, so that an encoding error is translated, logged and counted like any other. The library
 * would encode the response after that and report INTERNAL without details.
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
