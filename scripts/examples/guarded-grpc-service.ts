// A gRPC service guarded by latchkey. Start latchkey first (./scripts/run), then run
//
//   npx node scripts/examples/guarded-grpc-service.ts
//
// and try it with scripts/examples/buf-curl.sh.
import path from 'node:path';
import {
  loadPackageDefinition,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type ServerWritableStream,
  type ServiceClientConstructor,
  type sendUnaryData,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
// In your own project: from 'latchkey-client'.
import { connect, grpcGuard, identityOf } from '../../src/client/index.ts';

const { LATCHKEY_ADDRESS = '127.0.0.1:50051', GREETER_LISTEN = '127.0.0.1:0' } = process.env;
const latchkey = connect(LATCHKEY_ADDRESS, { credentials: { kind: 'plaintext' } });

const guard = grpcGuard(latchkey, {
  // All other methods are open to every signed-in user.
  rules: { '/examples.v1.GreeterService/ListGreeted': { anyRole: ['admin'] } },
  onUndecided: (error) => console.error('validation failed:', error),
});

const greeted = new Set<string>();

const handlers = {
  hello(call: ServerUnaryCall<object, object>, done: sendUnaryData<object>) {
    const { userId } = identityOf(call);
    greeted.add(userId);
    done(null, { greeting: `Hello, ${userId}!` });
  },

  keepGreeting(call: ServerWritableStream<object, object>) {
    const { userId } = identityOf(call);
    const timer = setInterval(() => call.write({ greeting: `Hello again, ${userId}!` }), 100);
    // Also emitted when the caller's session ends, after the guard has sent the status.
    call.on('cancelled', () => clearInterval(timer));
  },

  listGreeted(_call: ServerUnaryCall<object, object>, done: sendUnaryData<object>) {
    done(null, { userIds: [...greeted] });
  },
};

const loaded = loadPackageDefinition(loadSync(path.join(import.meta.dirname, 'greeter.proto')));
const { v1 } = loaded['examples'] as unknown as {
  v1: { GreeterService: ServiceClientConstructor };
};
const server = new Server({ interceptors: [guard] });
server.addService(v1.GreeterService.service, handlers);
server.bindAsync(GREETER_LISTEN, ServerCredentials.createInsecure(), (error, port) => {
  if (error !== null) throw error;
  console.log(`greeter serves on 127.0.0.1:${port}`);
});

process.once('SIGTERM', () => {
  server.forceShutdown();
  void latchkey.close();
});
