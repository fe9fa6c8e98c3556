import { Metadata, type StatusObject, status } from '@grpc/grpc-js';
import type { Failure } from '../core/failure.ts';
import type { Any } from '../gen/google/protobuf/any.ts';
import { BadRequest, ErrorInfo, RetryInfo } from '../gen/google/rpc/error_details.ts';
import { Status } from '../gen/google/rpc/status.ts';
import { bytesOf, type Encoder } from './encoding.ts';
import { durationMessage } from './messages/duration-message.ts';
import { STATUS_BY_REASON } from './reason-table.ts';

/** `ErrorInfo.domain` of every error. */
const DOMAIN = 'latchkey';

/** A status is sent in header fields, and some clients accept at most 8 KiB of them. */
const MAX_VIOLATIONS = 16;
const MAX_DETAILS_LENGTH = 1024;

/**
 * The status of a failure: code, message and a google.rpc.Status in `grpc-status-details-bin`. It has an ErrorInfo,
 * a BadRequest if there are field violations, and a RetryInfo if the failure states a retry delay.
 */
export function statusOf(failure: Failure): StatusObject {
  const code = STATUS_BY_REASON[failure.reason];
  // The library throws when it encodes a lone surrogate, which has no UTF-8 form.
  const details = failure.message.slice(0, MAX_DETAILS_LENGTH).toWellFormed();
  const metadata = new Metadata();
  metadata.set(
    'grpc-status-details-bin',
    bytesOf(Status, { code, message: details, details: detailsOf(failure) }),
  );
  return { code, details, metadata };
}

function detailsOf({ reason, metadata, violations, retryAfterMs }: Failure): Any[] {
  const details = [pack('ErrorInfo', ErrorInfo, { reason, domain: DOMAIN, metadata })];
  if (violations.length > 0) {
    const fieldViolations = violations.slice(0, MAX_VIOLATIONS).map(({ field, description }) => ({
      field,
      description,
      reason: '',
      localizedMessage: undefined,
    }));
    details.push(pack('BadRequest', BadRequest, { fieldViolations }));
  }
  if (retryAfterMs !== undefined) {
    details.push(pack('RetryInfo', RetryInfo, { retryDelay: durationMessage(retryAfterMs) }));
  }
  return details;
}

function pack<Message>(name: string, type: Encoder<Message>, message: Message): Any {
  return { typeUrl: `type.googleapis.com/google.rpc.${name}`, value: bytesOf(type, message) };
}

/** A status other than OK, ready to be sent. Only error translation creates it. */
export class RpcError extends Error implements StatusObject {
  override readonly name = 'RpcError';
  readonly code: status;
  readonly details: string;
  readonly metadata: Metadata;

  constructor({ code, details, metadata }: StatusObject) {
    super(details);
    this.code = code;
    this.details = details;
    this.metadata = metadata;
  }
}

/** The status to send for an error of the interceptor chain. Any other error than `RpcError` arose outside of it. */
export function statusToSend(error: unknown): Partial<StatusObject> {
  return error instanceof RpcError ? error : { code: status.INTERNAL, details: 'Internal error.' };
}
