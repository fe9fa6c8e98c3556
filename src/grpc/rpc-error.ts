import { type Metadata, type StatusObject, status } from '@grpc/grpc-js';

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
