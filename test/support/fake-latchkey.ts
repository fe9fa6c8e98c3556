import { type handleUnaryCall, Server, ServerCredentials } from '@grpc/grpc-js';
import { Failure, invalidField } from '../../src/core/failure.ts';
import {
  type AuditEvent,
  type AuditServiceServer,
  AuditServiceService,
} from '../../src/gen/latchkey/admin/v1/audit.ts';
import {
  type KeyServiceServer,
  KeyServiceService,
  SigningKeyState,
} from '../../src/gen/latchkey/admin/v1/key.ts';
import { type SessionServiceServer, SessionServiceService } from '../../src/gen/latchkey/admin/v1/session.ts';
import {
  type User,
  type UserServiceServer,
  UserServiceService,
} from '../../src/gen/latchkey/admin/v1/user.ts';
import {
  type IdentityServiceServer,
  IdentityServiceService,
  type SessionSummary,
} from '../../src/gen/latchkey/v1/identity.ts';
import type { Session, SessionExplanation } from '../../src/gen/latchkey/v1/session.ts';
import { statusOf } from '../../src/grpc/status-details.ts';
import { fakeSession, fakeTokens } from './fake-session.ts';

/** A call as the fake received it. */
export interface ReceivedCall {
  readonly rpc: string;
  readonly request: unknown;
  readonly authorization: string | undefined;
  /** The approximate time until the caller's deadline; milliseconds. */
  readonly timeLeftMs: number;
}

export const ADMIN = { username: 'admin', password: 'correct horse battery' };
const ACCESS_TOKEN = 'access-token-of-admin';
const REFRESH_TOKEN = 'lkr_of-admin';
const CREATED = new Date(Date.UTC(2026, 0, 1));

/** Serves the contract over a real connection, with users in a Map and only the rules that a client can observe. */
export class FakeLatchkey {
  readonly calls: ReceivedCall[] = [];
  readonly users = new Map<string, User>();
  /** Of any user, newest first. */
  readonly sessions: Session[] = [];
  /** Of any session. */
  explanation: SessionExplanation | undefined;
  /** The audit trail, newest first. */
  auditEvents: readonly AuditEvent[] = [];
  /** Rpcs that fail, by name. */
  readonly failures = new Map<string, Failure>();
  /** Where there are any, a login is refused: they are the sessions to choose from. */
  sessionsAtLimit: SessionSummary[] = [];
  /** Rpcs that are not answered until `release`. */
  readonly silent = new Set<string>();
  readonly #held: (() => void)[] = [];
  /** Maximum items per page, whatever is requested. */
  pageLimit = 1000;
  readonly #server = new Server();
  #address = '';

  static async start(credentials = ServerCredentials.createInsecure()): Promise<FakeLatchkey> {
    const fake = new FakeLatchkey();
    fake.#server.addService(IdentityServiceService, fake.#identity());
    fake.#server.addService(UserServiceService, fake.#userService());
    fake.#server.addService(KeyServiceService, fake.#keyService());
    fake.#server.addService(SessionServiceService, fake.#sessionService());
    fake.#server.addService(AuditServiceService, fake.#auditService());
    const port = await new Promise<number>((resolve, reject) => {
      fake.#server.bindAsync('127.0.0.1:0', credentials, (error, bound) =>
        error === null ? resolve(bound) : reject(error),
      );
    });
    fake.#address = `127.0.0.1:${port}`;
    return fake;
  }

  get address(): string {
    return this.#address;
  }

  /** The names of the called rpcs, in order. */
  get rpcs(): readonly string[] {
    return this.calls.map(({ rpc }) => rpc);
  }

  addUser(username: string, given: Partial<User> = {}): User {
    const userId = `019b7600-0000-7000-8000-${String(this.users.size + 1).padStart(12, '0')}`;
    const user: User = {
      userId,
      username,
      roles: [],
      disabledAt: undefined,
      devicePolicy: undefined,
      createdAt: CREATED,
      updatedAt: CREATED,
      passwordChangedAt: CREATED,
      etag: '1',
      ...given,
    };
    this.users.set(userId, user);
    return user;
  }

  /** Answers the silent rpcs, also those that were called already. */
  release(): void {
    this.silent.clear();
    for (const respond of this.#held.splice(0)) respond();
  }

  close(): void {
    this.#server.forceShutdown();
  }

  /** Responds with the result of `answer`, or with the failure it throws. */
  #unary<Request, Response>(
    rpc: string,
    answer: (request: Request, isAdmin: boolean) => Response,
  ): handleUnaryCall<Request, Response> {
    return (call, callback) => {
      const [authorization] = call.metadata.get('authorization');
      this.calls.push({
        rpc,
        request: call.request,
        authorization: authorization?.toString(),
        timeLeftMs: Number(call.getDeadline()) - Date.now(),
      });
      const respond = () => {
        try {
          const failure = this.failures.get(rpc);
          if (failure !== undefined) throw failure;
          callback(null, answer(call.request, authorization === `Bearer ${ACCESS_TOKEN}`));
        } catch (error) {
          if (!(error instanceof Failure)) throw error;
          callback(statusOf(error));
        }
      };
      if (this.silent.has(rpc)) this.#held.push(respond);
      else respond();
    };
  }

  #admin<Request, Response>(rpc: string, answer: (request: Request) => Response) {
    return this.#unary<Request, Response>(rpc, (request, isAdmin) => {
      if (!isAdmin) throw new Failure('CALLER_UNAUTHENTICATED', 'Present an access token.');
      return answer(request);
    });
  }

  #identity(): IdentityServiceServer {
    return {
      login: this.#unary('Login', ({ username, password }) => {
        if (username !== ADMIN.username || password !== ADMIN.password) {
          throw new Failure('INVALID_CREDENTIALS', 'Invalid username or password.');
        }
        if (this.sessionsAtLimit.length > 0) {
          return { outcome: { $case: 'sessionLimit' as const, value: { sessions: this.sessionsAtLimit } } };
        }
        const tokens = fakeTokens(ACCESS_TOKEN, REFRESH_TOKEN, CREATED);
        const value = { tokens, session: fakeSession(CREATED), endedSessions: [], deviceToken: 'lkd_device' };
        return { outcome: { $case: 'signedIn' as const, value } };
      }),
      logout: this.#unary('Logout', () => ({ revision: '7-0' })),
      refresh: this.#unary('Refresh', () => ({
        tokens: fakeTokens(ACCESS_TOKEN, REFRESH_TOKEN, CREATED),
        session: fakeSession(CREATED),
      })),
      validate: this.#unary('Validate', () => ({ verdict: undefined, asOf: CREATED, revision: '' })),
      batchValidate: this.#unary('BatchValidate', () => ({ verdicts: [], asOf: CREATED, revision: '' })),
    };
  }

  #userService(): UserServiceServer {
    return {
      createUser: this.#admin('CreateUser', ({ username, roles, credential }) => {
        if (credential === undefined) throw invalidField('credential', 'must be set');
        return { user: this.addUser(username, { roles }) };
      }),
      getUser: this.#admin('GetUser', ({ key }) => ({ user: this.#find(key) })),
      listUsers: this.#admin('ListUsers', ({ pageSize, pageToken }) => {
        const from = Number(pageToken || '0');
        const to = from + Math.min(pageSize, this.pageLimit);
        const users = [...this.users.values()];
        return { users: users.slice(from, to), nextPageToken: to < users.length ? String(to) : '' };
      }),
      updateUser: this.#admin('UpdateUser', ({ userId, username, roles, devicePolicy, updateMask = [] }) => ({
        user: this.#change(userId, {
          ...(updateMask.includes('username') ? { username } : {}),
          ...(updateMask.includes('roles') ? { roles } : {}),
          ...(updateMask.includes('device_policy') ? { devicePolicy } : {}),
        }),
      })),
      setPassword: this.#admin('SetPassword', ({ userId }) => ({
        user: this.#change(userId, {}),
        revision: '8-0',
      })),
      disableUser: this.#admin('DisableUser', ({ userId }) => ({
        user: this.#change(userId, { disabledAt: CREATED }),
        revision: '9-0',
      })),
      enableUser: this.#admin('EnableUser', ({ userId }) => ({
        user: this.#change(userId, { disabledAt: undefined }),
      })),
      liftLoginLimits: this.#admin('LiftLoginLimits', ({ userId }) => ({ user: this.#change(userId, {}) })),
      deleteUser: this.#admin('DeleteUser', ({ userId }) => {
        this.users.delete(userId);
        return { revision: '10-0' };
      }),
    };
  }

  #sessionService(): SessionServiceServer {
    return {
      listSessions: this.#admin('ListSessions', ({ userId, pageToken }) => {
        const from = Number(pageToken || '0');
        const to = from + this.pageLimit;
        const sessions = this.sessions.filter((session) => session.userId === userId);
        return {
          sessions: sessions.slice(from, to),
          nextPageToken: to < sessions.length ? String(to) : '',
        };
      }),
      explainSession: this.#admin('ExplainSession', () => ({ explanation: this.explanation })),
      endSession: this.#admin('EndSession', () => ({ revision: '11-0' })),
      endAllSessions: this.#admin('EndAllSessions', () => ({ revision: '12-0' })),
    };
  }

  #keyService(): KeyServiceServer {
    const key = {
      keyId: 'NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs',
      algorithm: 'EdDSA',
      createdAt: CREATED,
      signsFrom: CREATED,
      signsUntil: undefined,
      publishedUntil: undefined,
      masterKeyId: '0a1b2c3d',
    };
    return {
      listSigningKeys: this.#admin('ListSigningKeys', () => ({
        keys: [{ ...key, state: SigningKeyState.SIGNING }],
        nextPageToken: '',
      })),
      rotateSigningKey: this.#admin('RotateSigningKey', () => ({
        key: { ...key, state: SigningKeyState.PUBLISHED },
      })),
    };
  }

  #auditService(): AuditServiceServer {
    return {
      listAuditEvents: this.#admin('ListAuditEvents', ({ pageSize, pageToken }) => {
        const from = Number(pageToken || '0');
        const to = from + Math.min(pageSize, this.pageLimit);
        const nextPageToken = to < this.auditEvents.length ? String(to) : '';
        return { events: this.auditEvents.slice(from, to), nextPageToken };
      }),
    };
  }

  #find(key: { readonly $case: 'userId' | 'username'; readonly value: string } | undefined): User {
    const user = [...this.users.values()].find((candidate) => key && candidate[key.$case] === key.value);
    if (user === undefined) throw new Failure('USER_NOT_FOUND', 'There is no such user.');
    return user;
  }

  #change(userId: string, change: Partial<User>): User {
    const user = { ...this.#find({ $case: 'userId', value: userId }), ...change };
    this.users.set(userId, user);
    return user;
  }
}
