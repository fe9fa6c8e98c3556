import { randomBytes } from 'node:crypto';
import { credentials } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { UserServiceClient } from '../../src/gen/latchkey/admin/v1/user.ts';
import { ConstantLoad } from '../support/constant-load.ts';
import { eventually } from '../support/eventually.ts';
import { IdentityClient } from '../support/identity-client.ts';
import { LatchkeyProcess } from '../support/latchkey-process.ts';
import { PostgresServer } from '../support/postgres.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';

const OK = 0;
const UNAVAILABLE = 14;
const PASSWORD = 'correct horse battery';
/** As in `openPostgres`. */
const POOL_SIZE = 10;

/** The long form, with more faults and a control arm, is `test/faults/postgres-loss.test.ts`. */
describe('a service that loses PostgreSQL under load', () => {
  let server: PostgresServer;
  let proxy: TcpProxy;
  let url: string;
  let service: LatchkeyProcess;
  let client: IdentityClient;
  let users: UserServiceClient;
  let load: ConstantLoad;

  beforeEach(async () => {
    server = await PostgresServer.start();
    url = await server.createDatabase();
    proxy = await TcpProxy.open(server.port);
    service = await LatchkeyProcess.start({
      LATCHKEY_DATABASE_URL: url.replace(`:${server.port}`, `:${proxy.port}`),
      LATCHKEY_MASTER_KEY: randomBytes(32).toString('base64url'),
      LATCHKEY_BOOTSTRAP_PASSWORD: PASSWORD,
      LATCHKEY_BCRYPT_COST: '4',
    });
    client = new IdentityClient(service.address);
    users = new UserServiceClient(service.address, credentials.createInsecure());
    load = await ConstantLoad.start({ identity: client, users }, { password: PASSWORD });
  });

  afterEach(async () => {
    await load?.stop();
    client.close();
    users.close();
    await service.stop();
    await proxy.close();
    await server.stop();
  });

  const unavailable = () => load.refreshed.get(UNAVAILABLE) ?? 0;
  const refreshed = () => load.refreshed.get(OK) ?? 0;
  /** Breaks it repeatedly until a call has failed, and waits until calls succeed again. */
  const breakOften = async (breakIt: () => unknown) => {
    const failed = unavailable();
    await eventually(async () => {
      await breakIt();
      return unavailable() > failed;
    }, 10_000);
    const worked = refreshed();
    await eventually(() => refreshed() > worked);
  };

  test('keeps validating, and signs users in again when PostgreSQL is back', async () => {
    await breakOften(() => server.endConnections(url));
    await breakOften(() => proxy.reset());
    await breakOften(() => proxy.resetInReply(20));

    await server.crash();
    await expect(client.login({ password: PASSWORD })).rejects.toMatchObject({ code: UNAVAILABLE });
    await server.resume();
    await eventually(() =>
      client.login({ password: PASSWORD }).then(
        () => true,
        () => false,
      ),
    );

    await load.stop();
    expect([...load.validated.keys()]).toEqual([OK]);
    expect(new Set(load.refreshed.keys())).toEqual(new Set([OK, UNAVAILABLE]));
    for (const outcome of [...load.signedIn.keys(), ...load.changed.keys()]) {
      expect([OK, UNAVAILABLE]).toContain(outcome);
    }
    expect(proxy.connections).toBeLessThanOrEqual(POOL_SIZE);
    const { code, log } = await service.stop();
    expect(code).toBe(0);
    expect(log.filter(({ msg }) => msg === 'The users store did not answer; try again.')).toHaveLength(1);
  }, 60_000);
});
