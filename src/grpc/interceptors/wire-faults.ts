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

/** Errors that the library detects in the bytes of a call, by the beginning of their message. */
const FAULTS: readonly { readonly begins: string; readonly message: string }[] = [
  { begins: 'Invalid grpc-timeout', message: '`grpc-timeout` is not valid.' },
  { begins: 'Error deserializing', message: 'The request is not a valid protobuf message of this rpc.' },
  { begins: 'Received no request message', message: 'The call has no complete request message.' },
  { begins: 'Received a second request', message: 'The call has more than one request message.' },
];

/**
 * Turns errors that grpc-js itself detects in a request into MALFORMED_REQUEST. The library reports some of them as
 * INTERNAL, which means a server error, and some as UNIMPLEMENTED, which sends the caller to another server.
 *
 * A grpc-js interceptor, and the outermost one, because these calls never reach a handler. It replaces only
 * `sendStatus`, so valid calls cost nothing extra. A status that is not in the table is sent unchanged.
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
