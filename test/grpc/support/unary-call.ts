import { Metadata, type ServiceError } from '@grpc/grpc-js';
import { BadRequest, ErrorInfo, RetryInfo } from '../../../src/gen/google/rpc/error_details.ts';
import { Status } from '../../../src/gen/google/rpc/status.ts';

/** The outcome of a call: its response, or the parts of its error. */
export type Outcome<Response> =
  | { readonly ok: Response }
  | {
      readonly ok?: never;
      readonly code: number;
      readonly message: string;
      readonly reason: string;
      readonly metadata: Readonly<Record<string, string>>;
      readonly fields: readonly string[];
      readonly retryAfterMs: number | undefined;
    };

type Unary<Request, Response> = (
  request: Request,
  metadata: Metadata,
  options: { deadline?: number },
  done: (error: ServiceError | null, response: Response) => void,
) => { cancel(): void };

export interface CallOptions {
  readonly metadata?: Readonly<Record<string, string>>;
  readonly deadlineMs?: number;
}

/** Makes one call; never rejects. */
export function call<Request, Response>(
  client: object,
  rpc: Unary<Request, Response>,
  request: Request,
  { metadata = {}, deadlineMs = 10_000 }: CallOptions = {},
): Promise<Outcome<Response>> {
  return new Promise((resolve) => {
    const entries = new Metadata();
    for (const [key, value] of Object.entries(metadata)) entries.set(key, value);
    rpc.call(client, request, entries, { deadline: Date.now() + deadlineMs }, (error, response) => {
      resolve(error === null ? { ok: response } : takeApart(error));
    });
  });
}

export function takeApart(error: ServiceError): Outcome<never> {
  const [bytes] = error.metadata.get('grpc-status-details-bin');
  const details = Buffer.isBuffer(bytes) ? Status.decode(bytes).details : [];
  const find = (name: string) =>
    details.find(({ typeUrl }) => typeUrl === `type.googleapis.com/google.rpc.${name}`);
  const info = ErrorInfo.decode(find('ErrorInfo')?.value ?? Buffer.alloc(0));
  const badRequest = BadRequest.decode(find('BadRequest')?.value ?? Buffer.alloc(0));
  const retry = find('RetryInfo');
  const delay = retry && RetryInfo.decode(retry.value).retryDelay;
  return {
    code: error.code,
    message: error.details,
    reason: info.reason,
    metadata: info.metadata,
    fields: badRequest.fieldViolations.map(({ field }) => field),
    retryAfterMs: delay && delay.seconds * 1000 + delay.nanos / 1_000_000,
  };
}
