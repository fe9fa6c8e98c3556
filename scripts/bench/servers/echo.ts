import { promisify } from 'node:util';
import { type handleUnaryCall, Server, ServerCredentials } from '@grpc/grpc-js';
import {
  IdentityServiceService,
  type ValidateRequest,
  ValidateResponse,
} from '../../../src/gen/latchkey/v1/identity.ts';

/**
 * Starts a grpc-js server with default options that decodes a ValidateRequest and returns a fixed encoded message. It
 * measures the cost of grpc-js alone.
 */
export async function startEcho(validateResponse: Uint8Array): Promise<number> {
  const prepared = ValidateResponse.decode(validateResponse);
  const validate: handleUnaryCall<ValidateRequest, ValidateResponse> = (_call, callback) => {
    callback(null, prepared);
  };
  const server = new Server();
  server.addService({ validate: IdentityServiceService.validate }, { validate });
  return await promisify(server.bindAsync.bind(server))('127.0.0.1:0', ServerCredentials.createInsecure());
}
