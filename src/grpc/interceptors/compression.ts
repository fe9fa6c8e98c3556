import {
  Metadata,
  type ServerInterceptingCall,
  type ServerInterceptingCallInterface,
  type ServerInterceptor,
  type StatusObject,
} from '@grpc/grpc-js';
import { Failure } from '../../core/failure.ts';
import { statusOf } from '../status-details.ts';

/** What the library's call has and its types do not show: the value of `grpc-encoding`, which it takes out of the metadata. */
type LibraryCall = ServerInterceptingCallInterface & { readonly incomingEncoding: unknown };

type SendMetadata = ServerInterceptingCallInterface['sendMetadata'];

const IDENTITY = 'identity';
const ACCEPT_ENCODING = 'grpc-accept-encoding';
/** So much of what the caller named is repeated to it. */
const MAX_NAME_LENGTH = 32;

/**
 * Refuses compressed requests, and says in every answer that none are taken.
 *
 * A few hundred bytes can unpack to the largest message there is, and the library unpacks before anybody knows who
 * is calling. This runs when the headers have arrived, before a byte of the message is read. Requests here are
 * small, and most of them a signed token: compression would gain nothing.
 */
export const refuseCompression: ServerInterceptor = (_method, call) => {
  const { incomingEncoding } = call as LibraryCall;
  if (incomingEncoding === IDENTITY) call.sendMetadata = sendAcceptingIdentity;
  else call.sendStatus(refusal(String(incomingEncoding).slice(0, MAX_NAME_LENGTH)));
  return call as ServerInterceptingCall;
};

/** What the library sends where a handler has no metadata of its own, which is nearly always; never changed. */
const NO_METADATA = new Metadata();
NO_METADATA.set(ACCEPT_ENCODING, IDENTITY);

/** The library itself would offer gzip and deflate. */
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
      `The request has grpc-encoding: ${encoding}, and this service takes uncompressed requests only: turn compression off in the client.`,
      { metadata: { grpc_encoding: encoding } },
    ),
  );
  answer.metadata.set(ACCEPT_ENCODING, IDENTITY);
  return answer;
}
