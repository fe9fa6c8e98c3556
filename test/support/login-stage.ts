import { type CallSource, PasswordQueue, type QueueCaller } from '../../src/core/password/password-queue.ts';
import type {
  OpenedSession,
  OpenOutcome,
  RoomNeeded,
  SignIn,
} from '../../src/core/session/session-opener.ts';
import type { Attempt } from '../../src/core/sign-in/login-attempts.ts';
import { type LoginAttempt, LoginService } from '../../src/core/sign-in/login-service.ts';
import type { User } from '../../src/core/user/user.ts';
import type { ChangeConditions, UserChange } from '../../src/core/user/user-directory.ts';
import { invalidCredentials } from '../../src/core/user/user-failures.ts';
import { deviceTokens } from './attempts.ts';
import { ManualClock } from './manual-clock.ts';
import { passwordsWith } from './passwords.ts';
import { RecordingHasher } from './recording-hasher.ts';
import { NO_RISK } from './risk.ts';
import { RecordedEvents } from './security-events.ts';
import { aUser } from './users.ts';

/** The bcrypt cost in these tests. */
export const COST = 6;
export const PASSWORD = 'a horse of another colour';
export const OPENED = { kind: 'opened', replaced: [] } as unknown as OpenedSession;

/** A login of the user Alice, with the right password. */
export const ATTEMPT: LoginAttempt = {
  username: 'Alice',
  password: PASSWORD,
  clientId: 'web',
  device: { deviceId: 'd1', name: 'Firefox', platform: 'linux' },
  ipAddress: '192.0.2.1',
  network: '192.0.2.1',
  deviceToken: '',
  labels: { app_version: '5.2' },
  endSessionId: '',
  source: { purpose: 'sign-in', address: '192.0.2.1', connection: '192.0.2.1:1' },
};

interface Update {
  readonly userId: string;
  readonly change: UserChange;
  readonly now: number;
  readonly conditions: ChangeConditions | undefined;
}

export interface LoginStageOptions {
  readonly storedAtCost?: number;
  readonly disabledAt?: number;
  /** How many logins may wait while one has its turn. */
  readonly capacity?: number;
}

/** A login service whose dependencies record their calls and respond as configured. */
export class LoginStage {
  readonly alice: User;
  readonly hasher: RecordingHasher;
  readonly queue: PasswordQueue;
  readonly clock = new ManualClock();
  readonly service: LoginService;
  /** Username keys that were looked up. */
  readonly asked: string[] = [];
  readonly opened: { user: User; signIn: SignIn; endSessionId: string }[] = [];
  readonly updates: Update[] = [];
  readonly events = new RecordedEvents();
  readonly devices = deviceTokens(this.clock);
  /** Sources in the password queue. */
  readonly sources: CallSource[] = [];
  /** What the throttle counted. */
  readonly reserved: Pick<Attempt, 'userId' | 'network' | 'deviceId'>[] = [];
  /** The steps, in order. */
  readonly steps: string[] = [];

  find = async (): Promise<User | undefined> => this.alice;
  update = async (): Promise<User> => this.alice;
  checkStore = async (): Promise<void> => undefined;
  reserve = async (): Promise<void> => undefined;
  open = async (): Promise<OpenOutcome | RoomNeeded> => OPENED;
  refuse = async (): Promise<void> => undefined;
  assess = NO_RISK.signIn;

  private constructor(alice: User, hasher: RecordingHasher, capacity: number) {
    this.alice = alice;
    this.hasher = hasher;
    hasher.meanwhile = async () => this.steps.push('check the password');
    this.queue = new PasswordQueue({ maxRunning: 1, capacity, monotonic: () => 0 });
    this.service = new LoginService({
      users: this.#users(),
      passwords: passwordsWith({ hasher, queue: this.queue, cost: COST }),
      queue: this.#queue(),
      throttle: this.#throttle(),
      devices: this.devices,
      risk: {
        ...NO_RISK,
        signIn: async (...attempt) => {
          this.steps.push('assess');
          return this.assess(...attempt);
        },
      },
      sessions: this.#sessions(),
      clock: this.clock,
      events: this.events,
    });
  }

  static async set({ storedAtCost = COST, disabledAt, capacity = 0 }: LoginStageOptions = {}) {
    const hasher = new RecordingHasher();
    const passwordHash = await passwordsWith({ hasher, cost: storedAtCost }).hash(PASSWORD);
    hasher.jobs.length = 0;
    const given = { username: 'Alice', passwordHash, disabledAt, version: 7, securityVersion: 3 };
    return new LoginStage(aUser(1, given), hasher, capacity);
  }

  /** Signs in below the session limit. */
  async signIn(attempt: LoginAttempt) {
    const result = await this.service.login(attempt);
    if (result.kind !== 'opened') throw new Error('the user is at the session limit');
    return result;
  }

  #users() {
    return {
      findByUsernameKey: async (key: string) => {
        this.asked.push(key);
        this.steps.push('find the user');
        return key === 'alice' ? this.find() : undefined;
      },
      update: async (userId: string, change: UserChange, now: number, conditions?: ChangeConditions) => {
        this.updates.push({ userId, change, now, conditions });
        return this.update();
      },
    };
  }

  #queue() {
    return {
      take: (caller?: QueueCaller) => {
        if (caller !== undefined) this.sources.push(caller.source);
        return this.queue.take(caller);
      },
    };
  }

  #throttle() {
    return {
      reserve: async (userId: string, network: string, deviceId: string | undefined): Promise<Attempt> => {
        this.steps.push('count the attempt');
        this.reserved.push({ userId, network, deviceId });
        await this.reserve();
        return { id: 'attempt', userId, network, deviceId, now: this.clock.now() };
      },
      giveBack: async () => {
        this.steps.push('give the attempt back');
      },
    };
  }

  #sessions() {
    return {
      checkStore: async () => {
        this.steps.push('check the store');
        return this.checkStore();
      },
      tryOpen: async (user: User, signIn: SignIn, endSessionId = '') => {
        this.opened.push({ user, signIn, endSessionId });
        this.steps.push('open');
        return this.open();
      },
      refuse: async () => {
        this.steps.push('refuse');
        await this.refuse();
        throw invalidCredentials();
      },
    };
  }
}
