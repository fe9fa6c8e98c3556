import { Failure } from '../../core/failure.ts';
import type { Handler } from '../call.ts';
import { MalformedMessage } from '../encoding.ts';

/**
 * Refuses a request that could not be decoded.
 *
 * Inside error translation, which gives the refusal its form. Before caller authentication and field checks:
 * from here on inwards a request is a message of its type.
 */
export function malformedMessage<Request, Response>(
  next: Handler<Request, Response>,
): Handler<Request | MalformedMessage, Response> {
  return (request, call) => {
    if (request instanceof MalformedMessage) {
      throw new Failure('MALFORMED_REQUEST', 'The request is not a protobuf message of its type.');
    }
    return next(request, call);
  };
}
