import { credentials } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { EndReason } from '../../src/gen/latchkey/v1/session.ts';
import { ValidationServiceClient } from '../../src/gen/latchkey/v1/validation.ts';
import { WatchCall } from '../grpc/support/watch-call.ts';
import { eventually } from '../support/eventually.ts';
import type { IdentityClient } from '../support/identity-client.ts';
import { ServicesOnRedis } from '../support/services-on-redis.ts';

const UNAVAILABLE = 14;
const PASSWORD = 'correct horse battery';

describe('two processes on one Redis', () => {
  let services: ServicesOnRedis;

  beforeEach(async () => {
    services = await ServicesOnRedis.open();
  });

  afterEach(() => services.close());

  const start = async () => {
    const { service, identity } = await services.start(PASSWORD);
    const validation = new ValidationServiceClient(service.address, credentials.createInsecure());
    services.onClose(() => validation.close());
    return { service, identity, validation };
  };
  const logout = async (identity: IdentityClient) => {
    const { session, tokens } = await identity.login({ password: PASSWORD });
    const { revision } = await identity.logout({ $case: 'refreshToken', value: tokens?.refreshToken ?? '' });
    return { sessionId: session?.sessionId ?? '', userId: session?.userId ?? '', revision };
  };

  test('send the ends of the other process, and resume where the other stopped', async () => {
    const [one, other] = [await start(), await start()];
    const stream = await new WatchCall(one.validation).current();
    const { sessionId, userId, revision } = await logout(other.identity);
    await eventually(() => stream.last.freshness?.revision === revision);
    expect(stream.messages.flatMap(({ revocations }) => revocations)).toEqual([
      expect.objectContaining({
        userId,
        scope: { $case: 'sessionId', value: sessionId },
        endReason: EndReason.LOGGED_OUT,
      }),
    ]);
    expect(stream.last.revision).toBe(revision);
    await one.service.stop();
    expect(await stream.ended()).toMatchObject({ code: UNAVAILABLE, reason: 'DRAINING' });
    const missed = await logout(other.identity);
    const next = await new WatchCall(other.validation, stream.place).current();
    expect(next.messages[0]?.start?.resumed).toBe(true);
    expect(next.sessionIds).toEqual([missed.sessionId]);
    next.cancel();
  }, 60_000);

  test('send everything again, and nothing false, after Redis was wiped', async () => {
    const { validation, identity } = await start();
    const stream = await new WatchCall(validation).current();
    const first = await logout(identity);
    await eventually(() => stream.sessionIds.includes(first.sessionId));
    const { place } = stream;
    await services.redis.kill();
    await services.redis.resume();
    const since = stream.messages.length;
    const later = () => stream.messages.slice(since);
    await eventually(() => later().some(({ start }) => start !== undefined));
    await eventually(() => stream.last.freshness !== undefined);
    const restart = later().find(({ start }) => start !== undefined)?.start;
    expect(restart).toMatchObject({ resumed: false });
    expect(restart?.coveredSince).not.toEqual(place.coveredSince);
    const received = later().flatMap(({ revocations }) => revocations.map(({ scope }) => scope?.value));
    expect(received).toContain(first.sessionId);
    const again = await new WatchCall(validation, place).current();
    expect(again.messages[0]?.start?.resumed).toBe(false);
    expect(again.sessionIds).toContain(first.sessionId);
    stream.cancel();
    again.cancel();
  }, 60_000);
});
