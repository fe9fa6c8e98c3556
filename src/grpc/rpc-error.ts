import type { Metadata, StatusObject, status } from '@grpc/grpc-js';

/** A call's status other than OK, ready to be sent. Made by error translation and by nothing else. */
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
