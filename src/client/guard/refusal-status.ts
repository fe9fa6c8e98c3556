import { Metadata, type StatusObject, status } from '@grpc/grpc-js';
import type { Any } from '../../gen/google/protobuf/any.ts';
import { ErrorInfo, RetryInfo } from '../../gen/google/rpc/error_details.ts';
import { Status } from '../../gen/google/rpc/status.ts';
import { durationOf } from '../transport/durations.ts';
import { DETAILS_KEY, DOMAIN } from '../transport/errors.ts';
import type { Refusal } from './admission.ts';

interface Encoder<Message> {
  encode(message: Message): { finish(): Uint8Array };
}

/**
 * The status of a refused call, with a google.rpc.Status in the same form as latchkey's. It has ErrorInfo if the caller
 * is at fault, and RetryInfo if validation is not possible.
 */
export function refusalStatus(refusal: Refusal): StatusObject {
  switch (refusal.kind) {
    case 'unauthenticated':
      return statusWith(status.UNAUTHENTICATED, refusal.message, [
        info('CALLER_UNAUTHENTICATED', { next_step: refusal.nextStep }),
      ]);
    case 'forbidden':
      return statusWith(status.PERMISSION_DENIED, refusal.message, [
        info('CALLER_FORBIDDEN', { required_role: refusal.anyRole[0] ?? '' }),
      ]);
    case 'undecided':
      return statusWith(status.UNAVAILABLE, refusal.message, [
        pack('RetryInfo', RetryInfo, { retryDelay: durationOf(refusal.retryAfterMs) }),
      ]);
  }
}

function statusWith(code: status, details: string, parts: readonly Any[]): StatusObject {
  const metadata = new Metadata();
  const bytes = Status.encode({ code, message: details, details: parts }).finish();
  metadata.set(DETAILS_KEY, Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  return { code, details, metadata };
}

function info(reason: string, metadata: Readonly<Record<string, string>>): Any {
  return pack('ErrorInfo', ErrorInfo, { reason, domain: DOMAIN, metadata });
}

function pack<Message>(name: string, type: Encoder<Message>, message: Message): Any {
  return {
    typeUrl: `type.googleapis.com/google.rpc.${name}`,
    value: Buffer.from(type.encode(message).finish()),
  };
}
