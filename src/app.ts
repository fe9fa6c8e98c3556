import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { v7 } from 'uuid';
import { BcryptPool } from './adapters/bcrypt/bcrypt-pool.ts';
import { readOrMakeMasterKey } from './adapters/files/master-key-file.ts';
import { Closers } from './app/closers.ts';
import { openEndings } from './app/endings.ts';
import { openKeys } from './app/keys.ts';
import { type Site, TOMBSTONE_TTL_MS } from './app/site.ts';
import { openDatabase, openSessionStores } from './app/stores.ts';
import type { Config } from './config.ts';
import { Failure } from './core/failure.ts';
import type { IdSource } from './core/ids.ts';
import { MasterKeys } from './core/keys/master-key.ts';
import { type LoginReports, LoginService } from './core/login/login-service.ts';
import { Passwords } from './core/login/passwords.ts';
import { AccessTokenIssuer } from './core/session/access-token-issuer.ts';
import { RefreshTokens } from './core/session/refresh-token.ts';
import type { SessionPolicy } from './core/session/session.ts';
import { SessionService } from './core/session/session-service.ts';
import { TokenValidation } from './core/session/token-validation.ts';
import { UserService } from './core/user/user-service.ts';
import { identityService } from './grpc/identity-service.ts';
import { keyService } from './grpc/key-service.ts';
import { GrpcServer } from './grpc/server.ts';
import { userService } from './grpc/user-service.ts';
import { HttpEndpoint } from './telemetry/http-endpoint.ts';
import type { Logger } from './telemetry/logger.ts';
import { Metrics } from './telemetry/metrics.ts';
import { ReadinessProbe } from './telemetry/readiness.ts';
import type { Clock } from './validator/clock.ts';
import { TokenVerifier } from './validator/token-verifier.ts';
import { Validator } from './validator/validator.ts';

const READINESS_INTERVAL_MS = 1_000;

export interface App {
  /** Where gRPC is served, with the real port. */
  readonly address: string;
  /** Where metrics and plain health are served; undefined: nowhere. */
  readonly metricsUrl: string | undefined;
  /** The first user, if this start made one; its password, if that was made too, is to be shown once. */
  readonly firstUser: { readonly username: string; readonly password: string | undefined } | undefined;
  /** Drains and closes everything. Answers whether every call under way came to its end. */
  close(): Promise<boolean>;
}

const ids: IdSource = { next: (atMs) => v7({ msecs: atMs }) };

/**
 * Puts the service together and serves. What was opened is closed in reverse, also when something after it cannot
 * be opened. A session store that cannot be reached is no reason not to start: the service says NOT_SERVING until
 * it can be. Without its database and its keys it does not start.
 */
export async function openApp(config: Config, clock: Clock, logger: Logger): Promise<App> {
  const closers = new Closers();
  const metrics = new Metrics();
  metrics.watchProcess();
  try {
    return await open({ config, clock, logger, metrics, closers });
  } catch (error) {
    await closers.close().catch(() => undefined);
    throw error;
  }
}

async function open(site: Site): Promise<App> {
  const { config, clock, logger, metrics, closers } = site;
  mkdirSync(config.dataDir, { recursive: true, mode: 0o700 });
  const database = openDatabase(config);
  closers.add(() => database.close());
  await database.migrate();
  const masterKeys = new MasterKeys(
    config.masterKeys ?? [readOrMakeMasterKey(join(config.dataDir, 'master-key'))],
  );
  const { keys, keySet } = await openKeys(site, database, masterKeys);
  const hasher = await openHasher(site);
  const passwords = new Passwords({ hasher, masterKeys, cost: config.bcrypt.cost });

  const { store, log } = await openSessionStores(site);
  const { endings, feed } = await openEndings(site, store, log);
  const verifier = new TokenVerifier(keySet, config.tokenCacheSize);
  const common = { clock, ids, issuer: config.issuer, audiences: config.audiences };
  const tokens = new TokenValidation({
    validator: new Validator({
      ...common,
      verifier,
      revocations: feed,
      maxStalenessMs: config.maxStalenessMs,
      maxTokenLifeMs: config.accessTokenTtlMs,
    }),
    store,
    revision: () => feed.revision,
    clock,
    onVerdict: metrics.countVerdict,
  });
  const sessions = new SessionService({
    ...common,
    store,
    endings,
    users: database.users,
    accessTokens: new AccessTokenIssuer({ ...common, keys, ttlMs: config.accessTokenTtlMs }),
    refreshTokens: new RefreshTokens(masterKeys.all.map(({ refreshMac }) => refreshMac)),
    verifier,
    revocations: feed,
    policy: sessionPolicy(config),
  });
  const users = new UserService({
    ...{ directory: database.users, passwords, sessions: endings },
    ...common,
  });
  const login = new LoginService({
    ...{ users: database.users, passwords, sessions, clock },
    reports: loginReports(logger),
  });
  const { username, password } = config.bootstrap;
  const firstUser = await users.bootstrap(password === undefined ? { username } : { username, password });

  metrics.watch({
    bcryptWaiting: () => hasher.waiting,
    feedAgeMs: () => (feed.asOf === 0 ? undefined : feed.ageMs),
    revocations: () => feed.size,
    tokenCache: () => verifier.lookups,
  });
  const environment = { ids, clock, log: logger, callMetrics: metrics };
  const server = new GrpcServer({
    address: config.listen.text,
    services: [
      identityService({ login: counted(login, metrics), sessions, tokens }, config.callerAuth, environment),
      userService(users, tokens, environment),
      keyService(keys, tokens, environment),
    ],
    reflection: config.reflection,
    ...(config.tls === undefined ? {} : { tls: config.tls }),
    log: logger,
  });
  const readiness = new ReadinessProbe({
    probes: { sessions: () => store.ping(), database: () => database.ping() },
    intervalMs: READINESS_INTERVAL_MS,
    onChange: ({ ready, reasons }) => {
      server.health.setServing(ready);
      if (ready) logger.info({}, 'sign-in works');
      else logger.warn({ reasons: reasons.join('; ') }, 'sign-in cannot work now');
    },
  });
  const metricsUrl = await openMetrics(site, readiness);
  const address = await server.listen();
  let cleanEnd = true;
  closers.add(async () => {
    cleanEnd = await server.drain({ delayMs: config.drainDelayMs, timeoutMs: config.drainTimeoutMs });
  });
  await readiness.start();
  closers.add(() => readiness.close());
  return {
    address,
    metricsUrl,
    firstUser:
      firstUser === undefined
        ? undefined
        : { username: firstUser.user.username, password: firstUser.madePassword },
    close: async () => {
      await closers.close();
      return cleanEnd;
    },
  };
}

async function openMetrics({ config, metrics, closers }: Site, readiness: ReadinessProbe) {
  if (config.metricsListen === undefined) return undefined;
  const { host, port } = config.metricsListen;
  const endpoint = await HttpEndpoint.open({ host, port, metrics, readiness: () => readiness.current });
  closers.add(() => endpoint.close());
  return endpoint.url;
}

function sessionPolicy(config: Config): SessionPolicy {
  return {
    idleTtlMs: config.sessionIdleTtlMs,
    maxTtlMs: config.sessionMaxTtlMs,
    refreshGraceMs: config.refreshGraceMs,
    maxSessionsPerUser: config.maxSessionsPerUser,
    tombstoneTtlMs: TOMBSTONE_TTL_MS,
  };
}

function counted(login: LoginService, metrics: Metrics): Pick<LoginService, 'login'> {
  return {
    login: async (attempt) => {
      try {
        const result = await login.login(attempt);
        metrics.countLogin('opened');
        return result;
      } catch (error) {
        metrics.countLogin(error instanceof Failure ? error.reason : 'INTERNAL');
        throw error;
      }
    },
  };
}

function loginReports(logger: Logger): LoginReports {
  return {
    upgradeFailed: (userId, cause) =>
      logger.warn(
        { userId, err: cause },
        'a password could not be stored in the present way; the next login tries again',
      ),
    passwordUnreadable: (userId) =>
      logger.error(
        { userId },
        'the stored password cannot be read: it is damaged, or its master key is missing',
      ),
  };
}

async function openHasher({ config, clock, logger, metrics, closers }: Site): Promise<BcryptPool> {
  const { threads, waitingPerThread } = config.bcrypt;
  const hasher = await BcryptPool.open({
    threads,
    waitingPerThread,
    monotonic: () => clock.monotonic(),
    onThreadLost: (cause) => {
      metrics.countLostThread();
      logger.error({ err: cause }, 'a thread of bcrypt ended and was replaced');
    },
  });
  closers.add(() => hasher.close());
  return hasher;
}
