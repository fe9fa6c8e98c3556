import type { SqlDatabase } from './adapters/sql/sql-database.ts';
import { type AppContext, ids, TOMBSTONE_TTL_MS, type WorkerRole } from './app/app-context.ts';
import { openAudit } from './app/audit.ts';
import { Closers } from './app/closers.ts';
import { openDataFolder, openMasterKeys } from './app/data-folder.ts';
import { openExternalLogin } from './app/external-login.ts';
import { openKeys } from './app/keys.ts';
import { openPasswords } from './app/passwords.ts';
import { openQrLogin } from './app/qr-login.ts';
import { openRevocations } from './app/revocations.ts';
import { openRisk } from './app/risk.ts';
import { securityEvents } from './app/security-events.ts';
import { openServing } from './app/serving.ts';
import type { App } from './app/started.ts';
import { openDatabase, openSessionStores } from './app/stores.ts';
import type { Config } from './config.ts';
import { KeyAdministration } from './core/administration/key-administration.ts';
import { UserService } from './core/administration/user-service.ts';
import type { AuditOutbox } from './core/audit/audit-outbox.ts';
import type { AuditTrail } from './core/audit/audit-trail.ts';
import type { SecurityEvents } from './core/audit/security-event.ts';
import type { KeyService } from './core/keys/key-service.ts';
import type { MasterKeys } from './core/keys/master-key.ts';
import type { RevocationFollower } from './core/revocation/revocation-follower.ts';
import type { RevocationSubscriptions } from './core/revocation/revocation-subscriptions.ts';
import type { RiskAssessor } from './core/risk/risk-assessor.ts';
import { AccessTokenIssuer } from './core/session/access-token-issuer.ts';
import { RefreshTokens } from './core/session/refresh-token.ts';
import type { SessionPolicy } from './core/session/session.ts';
import { SessionControl } from './core/session/session-control.ts';
import type { SessionEnder } from './core/session/session-ender.ts';
import { SessionHistory } from './core/session/session-history.ts';
import { SessionOpener } from './core/session/session-opener.ts';
import { SessionService } from './core/session/session-service.ts';
import type { SessionStore } from './core/session/session-store.ts';
import { SessionTokens } from './core/session/session-tokens.ts';
import type { SessionWatchers } from './core/session/session-watchers.ts';
import { DeviceTokens } from './core/sign-in/device-token.ts';
import { LoginService } from './core/sign-in/login-service.ts';
import { LoginThrottle } from './core/sign-in/login-throttle.ts';
import { PasswordChanges } from './core/sign-in/password-change.ts';
import { ReservedSessions } from './core/sign-in/reserved-sessions.ts';
import type { UserDirectory } from './core/user/user-directory.ts';
import { CurrentRoles } from './core/validation/current-roles.ts';
import { TokenValidation } from './core/validation/token-validation.ts';
import { adminSessionService } from './grpc/admin-session-service.ts';
import { auditService } from './grpc/audit-service.ts';
import { type ExternalLoginCore, externalLoginService } from './grpc/external-login-service.ts';
import { identityService } from './grpc/identity-service.ts';
import { keyService } from './grpc/key-service.ts';
import { type QrLoginCore, qrLoginService } from './grpc/qr-login-service.ts';
import type { ServiceRegistration } from './grpc/service-registration.ts';
import { sessionService } from './grpc/session-service.ts';
import { type UserIdentityCore, userIdentityService } from './grpc/user-identity-service.ts';
import { userService } from './grpc/user-service.ts';
import { validationService } from './grpc/validation-service.ts';
import { limitedWarnings } from './telemetry/limited-warnings.ts';
import type { Logger } from './telemetry/logger.ts';
import { Metrics } from './telemetry/metrics.ts';
import type { Clock } from './validator/clock.ts';
import { TokenVerifier } from './validator/token-verifier.ts';
import { Validator } from './validator/validator.ts';

/**
 * Assembles the service and serves. Everything opened is closed in reverse order, also if a later step fails.
 *
 * The service starts without its session store and reports NOT_SERVING until the store can be reached. It does not
 * start without its database and keys. Rejects with `StartupError` if a variable can fix the problem.
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

async function open(context: AppContext): Promise<App> {
  const { config, clock, logger, metrics, closers } = context;
  await openDataFolder(context);
  const database = await openDatabase(context);
  const masterKeys = await openMasterKeys(context);
  const { keys, keySet } = await openKeys(context, database, masterKeys);
  const { passwords, queue } = await openPasswords(context, masterKeys);
  const { store, log, attempts, tickets, flows, outbox } = await openSessionStores(context, database.audit);
  const { mover, repeated } = openAudit(context, outbox, database.audit);
  const events = securityEvents(logger, metrics, outbox, repeated.count);
  const revocations = await openRevocations(context, store, log, tickets, events);
  const { ender, follower, subscriptions, watchers, liveSessions, ticketWatchers } = revocations;
  const verifier = new TokenVerifier(keySet, config.tokenCacheSize);
  metrics.watch({
    auditBacklog: () => mover.backlog,
    bcryptWaiting: () => queue.waiting,
    copyAgeMs: () => (follower.asOf === 0 ? undefined : follower.ageMs),
    revocations: () => follower.size,
    sessionWatchers: () => watchers.size,
    subscribers: () => subscriptions.size,
    ticketWatchers: () => ticketWatchers.size,
    tokenCache: () => verifier.lookups,
  });

  const risk = await openRisk(context, { trail: database.audit, store, ender, events });
  const tokens = tokenValidation(context, verifier, follower, store);
  const { opener, sessions, sessionTokens } = coreSessions(context, {
    store,
    ender,
    events,
    outbox,
    database,
    keys,
    masterKeys,
    verifier,
    follower,
    risk,
  });
  const users = new UserService({
    directory: database.users,
    passwords,
    sessions: ender,
    attempts,
    events,
    clock,
    ids,
  });
  const signIn = {
    users: database.users,
    passwords,
    queue,
    throttle: new LoginThrottle({ attempts, hashKey: masterKeys.newest.attemptHash, clock, ids }),
    devices: new DeviceTokens({ macKeys: masterKeys.all.map(({ deviceMac }) => deviceMac), clock, ids }),
    clock,
    events,
  };
  const login = new LoginService({ ...signIn, risk, sessions: opener });
  const passwordChanges = new PasswordChanges({ ...signIn, store, ender, ids });
  const { throttle, devices } = signIn;
  const reserved = new ReservedSessions({
    users: database.users,
    store,
    opener,
    tokens: sessionTokens,
    devices,
    risk,
    events,
    clock,
    graceMs: config.refreshGraceMs,
  });
  const qrLogin = openQrLogin(context, {
    store: tickets,
    liveSessions,
    throttle,
    events,
    users: database.users,
    reserved,
  });
  const externalLogin = await openExternalLogin(context, {
    flows,
    liveSessions,
    throttle,
    devices,
    events,
    users: database.users,
    directory: database.identities,
    reserved,
  });
  const control = new SessionControl({ store, ender, users: database.users, revocations: follower, clock });
  const history = new SessionHistory({
    control,
    store,
    revocations: follower,
    trail: database.audit,
    clock,
    maxTtlMs: config.sessionMaxTtlMs,
  });
  const administration = new CurrentRoles(tokens, database.users);
  const services = grpcServices(context, {
    login,
    sessions,
    control,
    history,
    passwordChanges,
    qrLogin: { ...qrLogin, watchers: ticketWatchers, users: database.users },
    externalLogin: { ...externalLogin, users: database.users },
    tokens,
    keys,
    subscriptions,
    watchers,
    users,
    directory: database.users,
    audit: database.audit,
    events,
    administration,
  });
  const { address, metricsUrl, cleanEnd } = await openServing(context, services, {
    sessions: () => store.ping(),
    database: () => database.ping(),
  });
  // Last, so that a generated password exists only if the start succeeds and can show it.
  const { username, password } = config.bootstrap;
  const firstUser = await users.bootstrap(password === undefined ? { username } : { username, password });
  return {
    address,
    metricsUrl,
    firstUser: firstUser && { username: firstUser.user.username, password: firstUser.generatedPassword },
    close: async () => {
      await closers.close();
      return cleanEnd();
    },
  };
}

function tokenValidation(
  { config, clock }: AppContext,
  verifier: TokenVerifier,
  follower: RevocationFollower,
  store: SessionStore,
): TokenValidation {
  const validator = new Validator({
    verifier,
    revocations: follower,
    clock,
    issuer: config.issuer,
    audiences: config.audiences,
    maxStalenessMs: config.maxStalenessMs,
    maxTokenLifeMs: config.accessTokenTtlMs,
  });
  return new TokenValidation({ validator, store, revocations: follower, clock });
}

interface SessionParts {
  readonly store: SessionStore;
  readonly ender: SessionEnder;
  readonly events: SecurityEvents;
  readonly outbox: AuditOutbox;
  readonly database: SqlDatabase;
  readonly keys: KeyService;
  readonly masterKeys: MasterKeys;
  readonly verifier: TokenVerifier;
  readonly follower: RevocationFollower;
  readonly risk: RiskAssessor;
}

function coreSessions({ config, clock }: AppContext, parts: SessionParts) {
  const { store, ender, events, outbox, database, keys, masterKeys, verifier, follower, risk } = parts;
  const { issuer, audiences, accessTokenTtlMs: ttlMs } = config;
  const tokens = new SessionTokens({
    accessTokens: new AccessTokenIssuer({ keys, ids, issuer, audiences, ttlMs }),
    refreshTokens: new RefreshTokens(masterKeys.all.map(({ refreshMac }) => refreshMac)),
  });
  const policy = sessionPolicy(config);
  const common = { store, ender, events, users: database.users, tokens, policy, clock };
  return {
    opener: new SessionOpener({ ...common, outbox, ids }),
    sessions: new SessionService({ ...common, verifier, revocations: follower, moves: risk, issuer }),
    sessionTokens: tokens,
  };
}

interface ServiceParts {
  readonly login: LoginService;
  readonly sessions: SessionService;
  readonly control: SessionControl;
  readonly history: SessionHistory;
  readonly passwordChanges: PasswordChanges;
  readonly qrLogin: QrLoginCore;
  readonly externalLogin: ExternalLoginCore & { readonly administration: UserIdentityCore };
  readonly tokens: TokenValidation;
  readonly keys: KeyService;
  readonly subscriptions: RevocationSubscriptions;
  readonly watchers: SessionWatchers;
  readonly users: UserService;
  readonly directory: UserDirectory;
  readonly audit: AuditTrail;
  readonly events: SecurityEvents;
  readonly administration: CurrentRoles;
}

function grpcServices(
  { config, clock, logger, metrics }: AppContext,
  parts: ServiceParts,
): readonly ServiceRegistration[] {
  const { login, sessions, control, history, passwordChanges, qrLogin, externalLogin, tokens, keys } = parts;
  const { subscriptions, watchers, users, audit, events, administration } = parts;
  const environment = { ids, clock, log: limitedWarnings(logger, clock), callMetrics: metrics };
  const onVerdict = metrics.countVerdict;
  const identity = { login, sessions, tokens, onVerdict };
  const { issuer, audiences, accessTokenTtlMs: maxTokenLifeMs, callerAuth, frontAuth } = config;
  const validation = { keys, subscriptions, tokens, issuer, audiences, maxTokenLifeMs };
  return [
    identityService(identity, { callerAuth, frontAuth }, environment),
    validationService(validation, callerAuth, environment),
    sessionService(
      { control, history, passwordChanges, watchers, users: parts.directory },
      { tokens, frontAuth },
      environment,
    ),
    qrLoginService(qrLogin, { tokens, frontAuth }, environment),
    externalLoginService(externalLogin, { tokens, frontAuth }, environment),
    adminSessionService({ control, history }, administration, environment),
    userService(users, administration, environment),
    userIdentityService(externalLogin.administration, administration, environment),
    keyService(new KeyAdministration({ keys, events, clock }), administration, environment),
    auditService(audit, administration, environment),
  ];
}

function sessionPolicy(config: Config): SessionPolicy {
  return {
    idleTtlMs: config.sessionIdleTtlMs,
    maxTtlMs: config.sessionMaxTtlMs,
    refreshGraceMs: config.refreshGraceMs,
    devicePolicy: config.devicePolicy,
    tombstoneTtlMs: TOMBSTONE_TTL_MS,
  };
}
