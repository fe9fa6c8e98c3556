import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { connect, type LatchkeyClient, LatchkeyError, type Validation } from '../../src/client/index.ts';
import { eventually } from '../support/eventually.ts';
import type { IdentityClient } from '../support/identity-client.ts';
import { ServicesOnRedis } from '../support/services-on-redis.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';

const PASSWORD = 'correct horse battery';
const MAX_STALENESS_MS = 1_500;

/** The result of a validation, and when it began, by the clock of `performance`. */
interface Look {
  readonly at: number;
  readonly answer: Validation | LatchkeyError;
}

describe('local validation', () => {
  let services: ServicesOnRedis;

  beforeEach(async () => {
    services = await ServicesOnRedis.open();
  });

  afterEach(() => services.close());

  const start = () => services.start(PASSWORD);
  const listening = async (address: string): Promise<LatchkeyClient> => {
    const client = connect(address, {
      credentials: { kind: 'plaintext' },
      maxStalenessMs: MAX_STALENESS_MS,
      timeoutMs: 300,
    });
    services.onClose(() => client.close());
    await client.ready(10_000);
    return client;
  };
  const look = async (client: LatchkeyClient, token: string): Promise<Look> => {
    const at = performance.now();
    try {
      return { at, answer: await client.validate(token) };
    } catch (error) {
      if (error instanceof LatchkeyError) return { at, answer: error };
      throw error;
    }
  };
  const kindOf = ({ answer }: Look) => (answer instanceof LatchkeyError ? 'unknown' : answer.kind);
  /** A log that began long ago, so that tokens need no check of their records. */
  const oldLog = async () => {
    const writer = new Redis(services.redis.url);
    const [, primary = ''] = /master_replid:(\w+)/.exec(await writer.info('replication')) ?? [];
    await writer.set('lk:{revocations}:primaries', primary);
    await writer.set('lk:{revocations}:genesis', Date.now() - 3_600_000);
    writer.disconnect();
  };
  const signIn = async (identity: IdentityClient) =>
    (await identity.login({ password: PASSWORD })).tokens?.accessToken ?? '';
  /** Tokens that were issued after the log began, by more than the clock leeway. */
  const settled = (clients: readonly LatchkeyClient[], token: string) =>
    eventually(async () => {
      const looks = await Promise.all(clients.map((client) => look(client, token)));
      return looks.every((each) => kindOf(each) === 'accepted');
    }, 10_000);

  test('with a silent follower accepts no stale token: it asks, fails and later rejects', async () => {
    await oldLog();
    const { service, identity } = await start();
    const proxy = await TcpProxy.open(Number(service.address.split(':').at(-1)));
    services.onClose(() => proxy.close());
    const client = await listening(`127.0.0.1:${proxy.port}`);
    const token = await signIn(identity);
    await settled([client], token);

    proxy.silence();
    const silentSince = performance.now();
    await identity.logout({ $case: 'accessToken', value: token });
    const looks: Look[] = [];
    await eventually(async () => {
      looks.push(await look(client, token));
      return looks.filter((each) => kindOf(each) === 'unknown').length >= 3;
    }, 10_000);

    const accepted = looks.filter((each) => kindOf(each) === 'accepted');
    // The bound applies: until then the client knows no reason against the token.
    expect(accepted.length).toBeGreaterThan(0);
    for (const { at } of accepted) expect(at - silentSince).toBeLessThanOrEqual(MAX_STALENESS_MS);
    expect(looks.map(kindOf)).not.toContain('rejected');
    const firstDoubt = looks.findIndex((each) => kindOf(each) === 'unknown');
    expect(looks.slice(firstDoubt).map(kindOf)).not.toContain('accepted');

    proxy.speak();
    await eventually(async () => kindOf(await look(client, token)) !== 'unknown', 10_000);
    expect((await look(client, token)).answer).toMatchObject({
      kind: 'rejected',
      reason: 'SESSION_ENDED',
      endReason: 'LOGGED_OUT',
    });
  }, 40_000);

  test('accepts no ended session after Redis was wiped, in old and new clients and servers', async () => {
    const [one, other] = [await start(), await start()];
    const clients = [await listening(one.service.address), await listening(other.service.address)];
    const tokens: string[] = [];
    for (let count = 0; count < 12; count += 1) tokens.push(await signIn(one.identity));
    await settled(clients, tokens.at(-1) ?? '');
    const ended = tokens.slice(0, 6);
    for (const token of ended) await one.identity.logout({ $case: 'accessToken', value: token });

    const wiper = new Redis(services.redis.url);
    await wiper.flushall();
    wiper.disconnect();

    const newcomer = await start();
    clients.push(await listening(newcomer.service.address));
    const identities = [one.identity, other.identity, newcomer.identity];
    const yeses: string[] = [];
    const lookEverywhere = async () => {
      for (const token of ended) {
        for (const client of clients) {
          if (kindOf(await look(client, token)) === 'accepted') yeses.push('a client');
        }
        for (const identity of identities) {
          const { verdict } = await identity.validate(token);
          if (verdict?.$case === 'identity') yeses.push('a server');
        }
      }
    };
    // Until every server has noticed: sessions without records have ended for all of them.
    await eventually(async () => {
      await lookEverywhere();
      const looks = await Promise.all(clients.map((client) => look(client, tokens.at(-1) ?? '')));
      return looks.every((each) => kindOf(each) === 'rejected');
    }, 20_000);
    await lookEverywhere();
    expect(yeses).toEqual([]);
  }, 60_000);
});
