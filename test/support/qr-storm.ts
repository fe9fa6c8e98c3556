import type { CreatedTicket } from '../../src/core/sign-in/qr-tickets.ts';
import { ASKER, callerOf, QrWorld } from './qr-world.ts';
import { RedisServer } from './redis-server.ts';
import { RedisStores, singleRedis } from './redis-stores.ts';
import { openTickets } from './tickets.ts';

/** Two servers that share one Redis, and everything that can happen to a ticket at the same time. */
export class QrStorm {
  readonly #worlds: readonly QrWorld[];
  readonly #close: () => Promise<void>;

  private constructor(worlds: readonly QrWorld[], close: () => Promise<void>) {
    this.#worlds = worlds;
    this.#close = close;
  }

  static async open(): Promise<QrStorm> {
    const redis = await RedisServer.start();
    const closers: (() => unknown)[] = [];
    const worlds: QrWorld[] = [];
    for (let index = 0; index < 2; index += 1) {
      const stores = await RedisStores.open(singleRedis(redis.port));
      const { tickets, close } = await openTickets(singleRedis(redis.port));
      const [first] = worlds;
      const shared = first === undefined ? {} : { key: first.world.key };
      const world = await QrWorld.open({ store: stores.sessions, log: stores.log, ...shared }, tickets);
      worlds.push(world);
      closers.push(
        () => world.world.close(),
        close,
        () => stores.close(),
      );
    }
    return new QrStorm(worlds, async () => {
      for (const close of closers) await close();
      await redis.stop();
    });
  }

  /** How many sessions one ticket opens, with so many of each step at the same time. */
  async over(times: number, hasWrongDigits: boolean): Promise<number> {
    const [first] = this.#worlds;
    if (first === undefined) throw new Error('not opened');
    const user = first.world.addUser();
    for (const { world } of this.#worlds) world.users.set(user.userId, user);
    const caller = callerOf(await first.world.open(user));
    const stranger = callerOf(await first.world.open(user, { deviceId: 'another phone' }));
    const created = await first.tickets.create(ASKER);
    const { ticketId } = created.ticket;
    const { digits } = (await first.tickets.scan(ticketId, caller, '')).ticket;
    const wrong = digits === '00' ? '01' : '00';
    const steps = Array.from({ length: times }, (_, index) => {
      const { tickets } = this.#at(index);
      return [
        tickets.scan(ticketId, stranger, ''),
        tickets.approve(ticketId, caller, digits, ''),
        hasWrongDigits ? tickets.approve(ticketId, caller, wrong, '') : undefined,
        this.#poll(index, created),
        this.#poll(index + 1, created),
      ];
    });
    await Promise.allSettled(steps.flat());
    await Promise.allSettled(Array.from({ length: times }, (_, index) => this.#poll(index, created)));
    const living = await first.world.store.list(user.userId, first.world.clock.now());
    return living.filter(({ authenticationMethods }) => authenticationMethods.includes('mca')).length;
  }

  close(): Promise<void> {
    return this.#close();
  }

  #at(index: number): QrWorld {
    const world = this.#worlds[index % this.#worlds.length];
    if (world === undefined) throw new Error('not opened');
    return world;
  }

  async #poll(index: number, created: CreatedTicket): Promise<void> {
    await this.#at(index).redeem(created);
  }
}
