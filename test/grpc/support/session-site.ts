import { randomBytes } from 'node:crypto';
import { type ClientOptions, credentials } from '@grpc/grpc-js';
import { MemoryRevocationLog } from '../../../src/adapters/memory/memory-revocation-log.ts';
import { MemorySessionStore } from '../../../src/adapters/memory/memory-session-store.ts';
import type { RevocationLog } from '../../../src/core/revocation/revocation-log.ts';
import { CurrentRoles } from '../../../src/core/validation/current-roles.ts';
import { adminSessionService } from '../../../src/grpc/admin-session-service.ts';
import { identityService } from '../../../src/grpc/identity-service.ts';
import { GrpcServer } from '../../../src/grpc/server.ts';
import { sessionService } from '../../../src/grpc/session-service.ts';
import type { ManualClock } from '../../support/manual-clock.ts';
import { SessionWorld, type WorldParts } from '../../support/session-world.ts';
import { DAY } from '../../support/sessions.ts';
import { TestKey } from '../../support/test-keys.ts';
import { testEnvironment } from './fakes.ts';
import { OPEN } from './identity-server.ts';

/** A server over real sockets, on stores that it shares with another one. */
export class SessionSite {
  readonly world: SessionWorld;
  readonly environment = testEnvironment();
  readonly #server: GrpcServer;
  #address = '';
  readonly #clients: { close(): void }[] = [];

  private constructor(world: SessionWorld) {
    this.world = world;
    const { control, history, sessions, tokens, users, watchers } = world;
    const passwordChanges = { change: () => Promise.reject(new Error('nobody has a password here')) };
    const login = { login: () => Promise.reject(new Error('nobody signs in by password here')) };
    const identity = { login, sessions, tokens, onVerdict: () => undefined };
    const directory = { findById: async (userId: string) => users.get(userId) };
    const administration = new CurrentRoles(tokens, directory);
    this.#server = new GrpcServer({
      address: '127.0.0.1:0',
      services: [
        identityService(identity, OPEN, this.environment),
        sessionService(
          { control, history, passwordChanges, watchers, users: directory },
          { tokens, frontAuth: 'none' },
          this.environment,
        ),
        adminSessionService({ control, history }, administration, this.environment),
      ],
      reflection: false,
      log: this.environment.log,
    });
  }

  static async open(parts: Partial<WorldParts>, clock: ManualClock): Promise<SessionSite> {
    const site = new SessionSite(await SessionWorld.open(parts, clock));
    site.#address = await site.#server.listen();
    return site;
  }

  /** Two servers that share their stores, keys and revocation log. */
  static async openTwo(
    clock: ManualClock,
    given: Partial<WorldParts> = {},
  ): Promise<{ readonly here: SessionSite; readonly elsewhere: SessionSite }> {
    const log = given.log ?? new MemoryRevocationLog(DAY);
    // The server that closes first must not close the log of the other.
    const shared: RevocationLog = {
      append: (...entry) => log.append(...entry),
      read: (...place) => log.read(...place),
      inspect: (...place) => log.inspect(...place),
      close: async () => undefined,
    };
    const parts = {
      ...{ store: new MemorySessionStore(clock), key: await TestKey.make(), macKey: randomBytes(32) },
      ...{ ...given, log: shared },
    };
    return { here: await SessionSite.open(parts, clock), elsewhere: await SessionSite.open(parts, clock) };
  }

  get address(): string {
    return this.#address;
  }

  client<Client extends { close(): void }>(
    kind: new (
      address: string,
      credential: ReturnType<typeof credentials.createInsecure>,
      options?: ClientOptions,
    ) => Client,
    options: ClientOptions = {},
  ): Client {
    const client = new kind(this.#address, credentials.createInsecure(), options);
    this.#clients.push(client);
    return client;
  }

  /** Stops accepting calls and ends the streams. The world goes on. */
  drain(): Promise<boolean> {
    return this.#server.drain({ delayMs: 0, timeoutMs: 0 });
  }

  async close(): Promise<void> {
    for (const client of this.#clients) client.close();
    await this.drain();
    await this.world.close();
  }
}
