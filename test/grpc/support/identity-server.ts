import { credentials } from '@grpc/grpc-js';
import { Failure } from '../../../src/core/failure.ts';
import type { Session } from '../../../src/core/session/session.ts';
import { IdentityServiceClient } from '../../../src/gen/latchkey/v1/identity.ts';
import {
  type IdentityCallers,
  type IdentityCore,
  identityService,
} from '../../../src/grpc/identity-service.ts';
import { GrpcServer, type GrpcServerOptions } from '../../../src/grpc/server.ts';
import { T0, testEnvironment, validateByName } from './fakes.ts';

export const session: Session = {
  sessionId: '019b7760-0000-7000-8000-000000000002',
  userId: '019b7760-0000-7000-8000-000000000001',
  clientId: 'web',
  device: { deviceId: 'd1', name: 'Firefox', platform: 'Linux' },
  ipAddress: '127.0.0.1',
  latestIpAddress: '127.0.0.2',
  labels: { app_version: '5.2' },
  isNewDevice: true,
  authenticationMethods: ['pwd'],
  createdAt: T0,
  lastSeenAt: T0,
  idleDeadline: T0 + 7 * 86_400_000,
  absoluteDeadline: T0 + 30 * 86_400_000,
  generation: 1,
  securityVersion: 1,
};

export const tokens = {
  accessToken: 'access',
  accessTokenExpiresAt: T0 + 900_000,
  refreshToken: 'lkr_refresh',
  refreshTokenExpiresAt: T0 + 7 * 86_400_000,
};

/** Any caller may validate tokens, and no caller is a front. */
export const OPEN: IdentityCallers = { callerAuth: 'open', frontAuth: 'none' };

/** A core with one user (`ada`, any password but `wrong`) that records its calls. */
export function fakeCore(overrides: Partial<IdentityCore> = {}) {
  const asked: unknown[] = [];
  const verdicts: string[] = [];
  const core: IdentityCore = {
    login: {
      login: async (attempt) => {
        asked.push(attempt);
        if (attempt.password === 'wrong') {
          throw new Failure('INVALID_CREDENTIALS', 'Invalid username or password.');
        }
        return { kind: 'opened', session, tokens, replaced: [], deviceToken: 'lkd_device' };
      },
    },
    sessions: {
      refresh: async (attempt) => {
        asked.push(attempt);
        return { session, tokens };
      },
      logoutByRefreshToken: async (token) => ({ revision: `refresh:${token}` }),
      logoutByAccessToken: async (token) => ({ revision: `access:${token}` }),
    },
    tokens: {
      validate: (accessToken, requirements) => {
        asked.push(requirements);
        return validateByName(accessToken);
      },
    },
    onVerdict: (outcome) => void verdicts.push(outcome),
    ...overrides,
  };
  return { core, asked, verdicts };
}

export interface RunningServer {
  readonly address: string;
  readonly server: GrpcServer;
  readonly client: IdentityServiceClient;
  readonly environment: ReturnType<typeof testEnvironment>;
  close(): Promise<void>;
}

/** A real server on a free port of the loopback interface, with a client. */
export async function startIdentityServer(
  core: IdentityCore = fakeCore().core,
  { callerAuth = 'open', frontAuth = 'none', ...options }: Partial<GrpcServerOptions & IdentityCallers> = {},
): Promise<RunningServer> {
  const environment = testEnvironment();
  const server = new GrpcServer({
    address: '127.0.0.1:0',
    services: [identityService(core, { callerAuth, frontAuth }, environment)],
    reflection: false,
    log: environment.log,
    ...options,
  });
  const address = await server.listen();
  server.health.setServing(true);
  const client = new IdentityServiceClient(address, credentials.createInsecure());
  return {
    address,
    server,
    client,
    environment,
    close: async () => {
      client.close();
      await server.drain({ delayMs: 0, timeoutMs: 0 });
    },
  };
}
