import { MemoryLoginAttempts } from '../../src/adapters/memory/memory-login-attempts.ts';
import { MemoryRevocationLog } from '../../src/adapters/memory/memory-revocation-log.ts';
import { MemorySessionStore } from '../../src/adapters/memory/memory-session-store.ts';
import type { Actor } from '../../src/core/audit/security-event.ts';
import type { LoginAttempts } from '../../src/core/sign-in/login-attempts.ts';
import { loginLimits } from '../../src/core/sign-in/login-limits.ts';
import { type LoginAttempt, LoginService } from '../../src/core/sign-in/login-service.ts';
import { type PasswordChange, PasswordChanges } from '../../src/core/sign-in/password-change.ts';
import type { User } from '../../src/core/user/user.ts';
import { deviceTokens, throttleOf } from './attempts.ts';
import { ManualClock } from './manual-clock.ts';
import { MemoryUserDirectory } from './memory-user-directory.ts';
import { idleQueue, passwordsWith } from './passwords.ts';
import { RecordingHasher } from './recording-hasher.ts';
import { NO_RISK } from './risk.ts';
import { SessionWorld, type WorldParts } from './session-world.ts';
import { DAY, ids } from './sessions.ts';
import { aUser, userIdOf } from './users.ts';

export const OLD = 'the password before';
export const NEW = 'a horse of another colour';
const COST = 4;

/** Runs one step of a store, by the name of its method. */
export type RunStep = (name: string, work: () => Promise<unknown>) => Promise<unknown>;

/** Signs users in by password and changes passwords, on the stores of a `SessionWorld`. */
export class PasswordWorld {
  readonly world: SessionWorld;
  readonly users: MemoryUserDirectory;
  readonly hasher: RecordingHasher;
  readonly devices;
  readonly login: LoginService;
  readonly changes: PasswordChanges;
  #users = 0;

  private constructor(world: SessionWorld, attempts: LoginAttempts, steps: { run: RunStep }) {
    this.world = world;
    this.users = stepped(new MemoryUserDirectory(), steps);
    world.findUser = (userId) => this.users.findById(userId);
    this.hasher = new RecordingHasher();
    this.devices = deviceTokens(world.clock);
    const queue = idleQueue();
    const { clock, events, opener, store, ender } = world;
    const common = {
      ...{ users: this.users, queue, devices: this.devices, clock, events },
      passwords: passwordsWith({ hasher: this.hasher, cost: COST, queue }),
      throttle: throttleOf(attempts, world.clock),
    };
    this.login = new LoginService({ ...common, risk: NO_RISK, sessions: opener });
    this.changes = new PasswordChanges({ ...common, store, ender, ids });
  }

  /** @param steps runs each step of the stores; a test may hold or fail it. */
  static async open(
    given: Partial<Pick<WorldParts, 'store' | 'log'>> = {},
    steps: { run: RunStep } = { run: (_, work) => work() },
  ): Promise<PasswordWorld> {
    const clock = new ManualClock();
    const store = stepped(given.store ?? new MemorySessionStore(clock), steps);
    const log = stepped(given.log ?? new MemoryRevocationLog(DAY), steps, ['append']);
    const attempts = stepped(new MemoryLoginAttempts(loginLimits(30)), steps);
    const world = await SessionWorld.open({ store, log }, clock);
    await world.settle();
    return new PasswordWorld(world, attempts, steps);
  }

  /** A user with the password OLD. */
  async addUser(given: Partial<User> = {}): Promise<User> {
    this.#users += 1;
    const passwordHash = await passwordsWith({ hasher: new RecordingHasher(), cost: COST }).hash(OLD);
    const username = `Ada${this.#users}`;
    const user = aUser(this.#users, { username, passwordHash, ...given });
    await this.users.insert(user);
    return user;
  }

  user(user: User): Promise<User | undefined> {
    return this.users.findById(user.userId);
  }

  /** Signs in below the session limit. */
  async signIn(user: User, password: string, given: Partial<LoginAttempt> = {}) {
    const result = await this.login.login({
      ...{ username: user.username, password, clientId: 'web', deviceToken: '' },
      ...{ labels: {}, endSessionId: '' },
      ...{ ipAddress: '192.0.2.1', network: '' },
      device: { deviceId: '', name: '', platform: '' },
      source: { purpose: 'sign-in', address: '192.0.2.1', connection: '192.0.2.1:1' },
      ...given,
    });
    if (result.kind !== 'opened') throw new Error('the user is at the session limit');
    return result;
  }

  /** Changes OLD to NEW, as the holder of a token of the session. */
  change(
    session: { readonly userId: string; readonly sessionId: string },
    given: Partial<PasswordChange> = {},
  ) {
    return this.changes.change({
      caller: callerOf(session),
      ...{ currentPassword: OLD, newPassword: NEW, deviceToken: '' },
      ...{ ipAddress: '192.0.2.1', network: '', connection: '192.0.2.1:1' },
      ...given,
    });
  }

  /** Ids of the living sessions of the user, newest first. */
  async living({ userId }: User): Promise<readonly string[]> {
    return (await this.world.store.list(userId, this.world.clock.now())).map(({ sessionId }) => sessionId);
  }

  /** The verdict on an access token once the given revision is known. */
  async verdict(accessToken: string, atLeastRevision: string | undefined): Promise<string> {
    const { verdict } = await this.world.tokens.validate(accessToken, {
      consistency: 'BOUNDED',
      ...(atLeastRevision === undefined ? {} : { atLeastRevision }),
    });
    return verdict.kind === 'accepted' ? 'accepted' : (verdict.endReason ?? verdict.reason);
  }

  close(): Promise<void> {
    return this.world.close();
  }
}

export function callerOf(session: { readonly userId: string; readonly sessionId: string }) {
  const { userId, sessionId } = session;
  return { kind: 'caller', userId, sessionId, clientId: 'web' } as const satisfies Actor;
}

/** The id of nobody. */
export const NOBODY = userIdOf(999_999);

/** Runs the methods as steps. @param names of these methods; omitted: all. */
function stepped<Store extends object>(
  store: Store,
  steps: { run: RunStep },
  names?: readonly string[],
): Store {
  return new Proxy(store, {
    get: (target, name) => {
      const member: unknown = Reflect.get(target, name);
      if (typeof member !== 'function') return member;
      const call = (...given: unknown[]) => member.apply(target, given);
      const isStep = typeof name === 'string' && (names === undefined || names.includes(name));
      return isStep ? (...given: unknown[]) => steps.run(name, () => call(...given)) : call;
    },
  });
}
