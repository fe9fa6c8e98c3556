// Started by ./echo.ts: a grpc-js server with its default options that decodes a ValidateRequest, does
// nothing, and encodes a ValidateResponse it has ready. What grpc-js costs, and nothing besides.
import { type handleUnaryCall, Server, ServerCredentials } from '@grpc/grpc-js';
import {
  IdentityServiceService,
  type ValidateRequest,
  ValidateResponse,
} from '../../../src/gen/latchkey/v1/identity.ts';
import type { EchoOrder } from './echo.ts';

process.on('disconnect', () => process.exit(1));
process.once('message', ({ validateResponse }: EchoOrder) => {
  const prepared = ValidateResponse.decode(validateResponse);
  const validate: handleUnaryCall<ValidateRequest, ValidateResponse> = (_call, callback) => {
    callback(null, prepared);
  };
  const server = new Server();
  server.addService({ validate: IdentityServiceService.validate }, { validate });
  server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) => {
    if (error !== null) throw error;
    process.send?.(port);
  });
});
