// Started by ./session-servers.ts: the session services of a server on the test's Redis, in a separate process.
import { Failure } from '../../src/core/failure.ts';
import { ManualClock } from './manual-clock.ts';
import { RedisStores, singleRedis } from './redis-stores.ts';
import type { Order, Reply, Setting } from './session-servers.ts';
import { SessionWorld } from './session-world.ts';
import { HOUR } from './sessions.ts';
import { TestKey } from './test-keys.ts';

async function serve({ redisPort, privateJwk, macKey, startMs }: Setting): Promise<void> {
  const stores = await RedisStores.open(singleRedis(redisPort));
  const key = await TestKey.fromJwk(privateJwk);
  const parts = { store: stores.sessions, log: stores.log, key, macKey: Buffer.from(macKey) };
  const world = await SessionWorld.open(parts, new ManualClock(startMs));
  // After the genesis of the log. Otherwise every verdict would have to read the record.
  await world.settle(HOUR);

  process.on('message', (message: Order | 'close') => {
    if (message === 'close') {
      void world.close().then(() => {
        stores.close();
        process.disconnect?.();
      });
      return;
    }
    void turns(message.turns)
      .then(() => obey(world, message))
      .catch((error: unknown): Reply['outcome'] => ({
        failed: error instanceof Failure ? error.reason : String(error),
      }))
      .then((outcome) => process.send?.({ id: message.id, outcome } satisfies Reply));
  });
  process.send?.('ready');
}

/** This many turns of the event loop, to vary the interleaving. */
async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

async function obey(world: SessionWorld, order: Order): Promise<Reply['outcome']> {
  world.users.set(order.user.userId, order.user);
  switch (order.kind) {
    case 'open': {
      const { user, platform = '', endSessionId } = order;
      const opened = await world.signIn(user, { platform }, endSessionId);
      if (opened.kind === 'session-limit') return { failed: opened.kind };
      const { accessToken, refreshToken } = opened.tokens;
      return { accessToken, refreshToken, sessionId: opened.session.sessionId };
    }
    case 'refresh': {
      const { tokens } = await world.refresh(order.token);
      return { accessToken: tokens.accessToken, refreshToken: tokens.refreshToken };
    }
    case 'logout':
      return order.token.startsWith('lkr_')
        ? await world.sessions.logoutByRefreshToken(order.token)
        : await world.sessions.logoutByAccessToken(order.token);
    case 'validate': {
      const { atLeastRevision } = order;
      const requirements =
        atLeastRevision === undefined
          ? ({ consistency: 'STRONG' } as const)
          : ({ consistency: 'BOUNDED', atLeastRevision } as const);
      const { verdict } = await world.tokens.validate(order.token, requirements);
      return { verdict: verdict.kind === 'accepted' ? 'accepted' : verdict.reason };
    }
    case 'forget':
      world.users.delete(order.user.userId);
      return {};
  }
}

process.once('message', (setting: Setting) => void serve(setting));
