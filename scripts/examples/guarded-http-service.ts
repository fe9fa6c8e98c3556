// An HTTP service guarded by latchkey. Start latchkey first (./scripts/run), then run
//
//   npx node scripts/examples/guarded-http-service.ts
//
// With Express, use expressGuard, and guard.signedIn or guard.anyRole('admin') before the handlers.
import { fastify } from 'fastify';
// In your own project: from 'latchkey-client'.
import { connect, fastifyGuard, identityOf } from '../../src/client/index.ts';

const { LATCHKEY_ADDRESS = '127.0.0.1:50051', NOTES_PORT = '0' } = process.env;
const latchkey = connect(LATCHKEY_ADDRESS, { credentials: { kind: 'plaintext' } });
const notes = new Map<string, string>();

const app = fastify();
// Register the guard first: routes registered before it are not guarded.
await app.register(
  fastifyGuard(latchkey, { onUndecided: (error) => console.error('validation failed:', error) }),
);

app.get('/healthz', { config: { access: 'public' } }, async () => 'ok');

app.get('/note', async (request) => ({ note: notes.get(identityOf(request).userId) ?? '' }));

app.put<{ Body: { note: string } }>('/note', async (request) => {
  notes.set(identityOf(request).userId, request.body.note);
  return { note: request.body.note };
});

app.delete('/notes', { config: { access: { anyRole: ['admin'] } } }, async () => {
  notes.clear();
  return { note: '' };
});

console.log(`notes serve on ${await app.listen({ host: '127.0.0.1', port: Number(NOTES_PORT) })}`);

process.once('SIGTERM', () => {
  void app.close();
  void latchkey.close();
});
