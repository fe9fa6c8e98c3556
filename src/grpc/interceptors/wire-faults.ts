import {
  type ServerInterceptingCall,
  type ServerInterceptingCallInterface,
  type ServerInterceptor,
  type StatusObject,
  status,
} from '@grpc/grpc-js';
import { Failure } from '../../core/failure.ts';
import { statusOf } from '../status-details.ts';

type SentStatus = Parameters<ServerInterceptingCallInterface['sendStatus']>[0];
type SendStatus = (this: ServerInterceptingCallInterface, answer: SentStatus) => void;

/** What the library finds wrong with the bytes of a call, by the beginning of its message. */
const FAULTS: readonly { readonly begins: string; readonly message: string }[] = [
  { begins: 'Invalid grpc-timeout', message: '`grpc-timeout` is not of the form that gRPC gives it.' },
  { begins: 'Error deserializing', message: 'The request is not a protobuf message of its type.' },
  { begins: 'Received no request message', message: 'The call has no complete request message.' },
  { begins: 'Received a second request', message: 'The call has more than one request message.' },
];

/**
 * Gives the faults that grpc-js finds in a call by itself the form that all our errors have. It answers some of
 * them as INTERNAL, which would be our fault, and some as UNIMPLEMENTED, which would tell the caller to look
 * for another server.
 *
 * First of all, and an interceptor of the library's own kind: these calls never reach a handler. It leaves the
 * call as it is but for the one function through which the library answers, so that a good call pays nothing.
 * A status that the table does not know goes out as it came.
 */
export const wireFaults: ServerInterceptor = (_method, call) => {
  call.sendStatus = sendTranslated;
  return call as ServerInterceptingCall;
};

const sendTranslated: SendStatus = function (answer) {
  const send: unknown = Reflect.get(Object.getPrototypeOf(this), 'sendStatus');
  if (typeof send === 'function') send.call(this, wireFaultStatus(answer) ?? answer);
};

function wireFaultStatus({ code, details, metadata }: SentStatus): StatusObject | undefined {
  if (code !== status.INTERNAL && code !== status.UNIMPLEMENTED) return undefined;
  if (metadata?.get('grpc-status-details-bin').length) return undefined;
  const fault = FAULTS.find(({ begins }) => details.startsWith(begins));
  return fault && statusOf(new Failure('MALFORMED_REQUEST', fault.message));
}
