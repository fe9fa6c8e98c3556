import {
  Metadata,
  type ServerInterceptingCall,
  type ServerInterceptingCallInterface,
  type ServerInterceptor,
  type StatusObject,
} from '@grpc/grpc-js';
import { Failure } from '../../core/failure.ts';
import { statusOf } from '../status-details.ts';

/** The value of `grpc-encoding`, private in grpc-js. The library removes it from the metadata. */
type LibraryCall = ServerInterceptingCallInterface & { readonly incomingEncoding: unknown };

type SendMetadata = ServerInterceptingCallInterface['sendMetadata'];

const IDENTITY = 'identity';
const ACCEPT_ENCODING = 'grpc-accept-encoding';
/** How many characters of the caller's `grpc-encoding` the error repeats. */
const MAX_NAME_LENGTH = 32;

/**
 * Refuses compressed requests. Every response states that only `identity` is accepted.
 *
 * A few hundred bytes can decompress to the largest allowed message, and the library decompresses before the caller is
 * authenticated. This interceptor runs when the headers arrive, before the message is read. Compression would not
 * help: requests are small, and most consist of a signed token.
 */
export const refuseCompression: ServerInterceptor = (_method, call) => {
  const { incomingEncoding } = call as LibraryCall;
  if (incomingEncoding === IDENTITY) call.sendMetadata = sendAcceptingIdentity;
  else call.sendStatus(refusal(String(incomingEncoding).slice(0, MAX_NAME_LENGTH)));
  return call as ServerInterceptingCall;
};

/** The response metadata if the handler adds none, which is the usual case. Must not be changed. */
const NO_METADATA = new Metadata();
NO_METADATA.set(ACCEPT_ENCODING, IDENTITY);

/** Without this the library would advertise gzip and deflate. */
const sendAcceptingIdentity: SendMetadata = function (this: ServerInterceptingCallInterface, given) {
  let metadata = NO_METADATA;
  if (Object.keys(given.getMap()).length > 0) {
    metadata = given.clone();
    metadata.set(ACCEPT_ENCODING, IDENTITY);
  }
  const send: unknown = Reflect.get(Object.getPrototypeOf(this), 'sendMetadata');
  if (typeof send === 'function') send.call(this, metadata);
};

function refusal(encoding: string): StatusObject {
  const answer = statusOf(
    new Failure(
      'COMPRESSION_UNSUPPORTED',
      `The request has grpc-encoding: ${encoding}; this service accepts only uncompressed requests. Turn off compression in the client.`,
      { metadata: { grpc_encoding: encoding } },
    ),
  );
  answer.metadata.set(ACCEPT_ENCODING, IDENTITY);
  return answer;
}
