import { v7 } from 'uuid';
import type { SqlDatabase } from './adapters/sql/sql-database.ts';
import { Closers } from './app/closers.ts';
import { openDataFolder, openMasterKeys } from './app/data-folder.ts';
import { openEndings } from './app/endings.ts';
import { openKeys } from './app/keys.ts';
import { openPasswords } from './app/passwords.ts';
import { securityEvents } from './app/security-events.ts';
import { openServing } from './app/serving.ts';
import { type Site, TOMBSTONE_TTL_MS, type WorkerRole } from './app/site.ts';
import type { App } from './app/started.ts';
import { openDatabase, openSessionStores } from './app/stores.ts';
import type { Config } from './config.ts';
import type { SecurityEvents } from './core/audit/security-event.ts';
import type { IdSource } from './core/ids.ts';
import type { KeyService } from './core/keys/key-service.ts';
import type { MasterKeys } from './core/keys/master-key.ts';
import { LoginService } from './core/login/login-service.ts';
import type { RevocationBroadcast } from './core/revocation/revocation-broadcast.ts';
import type { RevocationFeed } from './core/revocation/revocation-feed.ts';
import { AccessTokenIssuer } from './core/session/access-token-issuer.ts';
import { CurrentRoles } from './core/session/current-roles.ts';
import { RefreshTokens } from './core/session/refresh-token.ts';
import type { SessionPolicy } from './core/session/session.ts';
import type { SessionEndings } from './core/session/session-endings.ts';
import { SessionService } from './core/session/session-service.ts';
import type { SessionStore } from './core/session/session-store.ts';
import { TokenValidation } from './core/session/token-validation.ts';
import { UserService } from './core/user/user-service.ts';
import { identityService } from './grpc/identity-service.ts';
import { keyService } from './grpc/key-service.ts';
import type { ServiceRegistration } from './grpc/service-registration.ts';
import { userService } from './grpc/user-service.ts';
import { validationService } from './grpc/validation-service.ts';
import { limitedWarnings } from './telemetry/limited-warnings.ts';
import type { Logger } from './telemetry/logger.ts';
import { Metrics } from './telemetry/metrics.ts';
import type { Clock } from './validator/clock.ts';
import { TokenVerifier } from './validator/token-verifier.ts';
import { Validator } from './validator/validator.ts';

const ids: IdSource = { next: (atMs) => v7({ msecs: atMs }) };

/**
 * Puts the service together and serves. What was opened is closed in reverse, also when something after it cannot
 * be opened. A session store that cannot be reached is no reason not to start: the service says NOT_SERVING until
 * it can be. Without its database and its keys it does not start. What a variable can mend is told by its name.
 */
export async function openApp(
  config: Config,
  clock: Clock,
  logger: Logger,
  worker?: WorkerRole,
): Promise<App> {
  const closers = new Closers();
  const metrics = new Metrics();
  metrics.watchProcess();
  worker?.reportMetrics(() => metrics.report());
  try {
    return await open({ config, clock, logger, metrics, closers, worker });
  } catch (error) {
    await closers.close().catch(() => undefined);
    throw error;
  }
}

async function open(site: Site): Promise<App> {
  const { config, clock, logger, metrics, closers } = site;
  await openDataFolder(site);
  const database = await openDatabase(site);
  const masterKeys = await openMasterKeys(site);
  const { keys, keySet } = await openKeys(site, database, masterKeys);
  const { passwords, queue } = await openPasswords(site, masterKeys);
  const { store, log } = await openSessionStores(site);
  const events = securityEvents(logger, metrics);
  const { endings, feed, broadcast } = await openEndings(site, store, log, events);
  const verifier = new TokenVerifier(keySet, config.tokenCacheSize);
  metrics.watch({
    bcryptWaiting: () => queue.waiting,
    feedAgeMs: () => (feed.asOf === 0 ? undefined : feed.ageMs),
    revocations: () => feed.size,
    watchers: () => broadcast.size,
    tokenCache: () => verifier.lookups,
  });

  const tokens = tokenValidation(site, verifier, feed, store);
  const sessions = sessionService(site, {
    store,
    endings,
    events,
    database,
    keys,
    masterKeys,
    verifier,
    feed,
  });
  const users = new UserService({
    directory: database.users,
    passwords,
    sessions: endings,
    events,
    clock,
    ids,
  });
  const login = new LoginService({ users: database.users, passwords, queue, sessions, clock, events });
  const administration = new CurrentRoles(tokens, database.users);
  const services = grpcServices(site, { login, sessions, tokens, keys, broadcast, users, administration });
  const { address, metricsUrl, cleanEnd } = await openServing(site, services, {
    sessions: () => store.ping(),
    database: () => database.ping(),
  });
  // Last: a password that was made is shown by whoever got this far, and by nobody if something above fails.
  const { username, password } = config.bootstrap;
  const firstUser = await users.bootstrap(password === undefined ? { username } : { username, password });
  return {
    address,
    metricsUrl,
    firstUser: firstUser && { username: firstUser.user.username, password: firstUser.madePassword },
    close: async () => {
      await closers.close();
      return cleanEnd();
    },
  };
}

function tokenValidation(
  { config, clock }: Site,
  verifier: TokenVerifier,
  feed: RevocationFeed,
  store: SessionStore,
): TokenValidation {
  const validator = new Validator({
    verifier,
    revocations: feed,
    clock,
    issuer: config.issuer,
    audiences: config.audiences,
    maxStalenessMs: config.maxStalenessMs,
    maxTokenLifeMs: config.accessTokenTtlMs,
  });
  return new TokenValidation({ validator, store, revocations: feed, clock });
}

interface SessionParts {
  readonly store: SessionStore;
  readonly endings: SessionEndings;
  readonly events: SecurityEvents;
  readonly database: SqlDatabase;
  readonly keys: KeyService;
  readonly masterKeys: MasterKeys;
  readonly verifier: TokenVerifier;
  readonly feed: RevocationFeed;
}

function sessionService({ config, clock }: Site, parts: SessionParts): SessionService {
  const { store, endings, events, database, keys, masterKeys, verifier, feed } = parts;
  const { issuer, audiences, accessTokenTtlMs: ttlMs } = config;
  return new SessionService({
    store,
    endings,
    events,
    users: database.users,
    accessTokens: new AccessTokenIssuer({ keys, ids, issuer, audiences, ttlMs }),
    refreshTokens: new RefreshTokens(masterKeys.all.map(({ refreshMac }) => refreshMac)),
    verifier,
    revocations: feed,
    issuer,
    policy: sessionPolicy(config),
    clock,
    ids,
  });
}

interface ServiceParts {
  readonly login: LoginService;
  readonly sessions: SessionService;
  readonly tokens: TokenValidation;
  readonly keys: KeyService;
  readonly broadcast: RevocationBroadcast;
  readonly users: UserService;
  readonly administration: CurrentRoles;
}

function grpcServices(
  { config, clock, logger, metrics }: Site,
  { login, sessions, tokens, keys, broadcast, users, administration }: ServiceParts,
): readonly ServiceRegistration[] {
  const environment = { ids, clock, log: limitedWarnings(logger, clock), callMetrics: metrics };
  const onVerdict = metrics.countVerdict;
  const identity = { login, sessions, tokens, onVerdict };
  const { issuer, audiences, accessTokenTtlMs: maxTokenLifeMs, callerAuth, frontAuth } = config;
  const validation = { keys, broadcast, tokens, issuer, audiences, maxTokenLifeMs };
  return [
    identityService(identity, { callerAuth, frontAuth }, environment),
    validationService(validation, callerAuth, environment),
    userService(users, administration, environment),
    keyService(keys, administration, environment),
  ];
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
