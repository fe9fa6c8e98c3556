import {
  Metadata,
  type ServerInterceptingCall,
  type ServerInterceptingCallInterface,
  type ServerInterceptor,
  type StatusObject,
} from '@grpc/grpc-js';
import { Failure } from '../../core/failure.ts';
import { statusOf } from '../status-details.ts';

/** Private in grpc-js: the value of `grpc-encoding`, which the library removes from the metadata. */
type LibraryCall = ServerInterceptingCallInterface & { readonly incomingEncoding: unknown };

type SendMetadata = ServerInterceptingCallInterface['sendMetadata'];

const IDENTITY = 'identity';
const ACCEPT_ENCODING = 'grpc-accept-encoding';
/** How many characters of the caller's `grpc-encoding` the answer repeats. */
const MAX_NAME_LENGTH = 32;

/**
 * Refuses compressed requests, and states in every answer that only `identity` is accepted.
 *
 * A few hundred bytes can unpack to the largest message there is, and the library unpacks before the caller is
 * authenticated. This runs when the headers have arrived, before the message is read. Compression would gain nothing:
 * requests are small, and most are a signed token.
 */
export const refuseCompression: ServerInterceptor = (_method, call) => {
  const { incomingEncoding } = call as LibraryCall;
  if (incomingEncoding === IDENTITY) call.sendMetadata = sendAcceptingIdentity;
  else call.sendStatus(refusal(String(incomingEncoding).slice(0, MAX_NAME_LENGTH)));
  return call as ServerInterceptingCall;
};

/** The metadata of an answer whose handler has none of its own, which is the usual case. Must not be changed. */
const NO_METADATA = new Metadata();
NO_METADATA.set(ACCEPT_ENCODING, IDENTITY);

/** Without this the library would offer gzip and deflate. */
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
      `The request has grpc-encoding: ${encoding}; this service takes uncompressed requests only. Turn compression off in the client.`,
      { metadata: { grpc_encoding: encoding } },
    ),
  );
  answer.metadata.set(ACCEPT_ENCODING, IDENTITY);
  return answer;
}
