import { credentials } from '@grpc/grpc-js';
import { MemoryRevocationLog } from '../../../src/adapters/memory/memory-revocation-log.ts';
import { RevocationFollower } from '../../../src/core/revocation/revocation-follower.ts';
import { RevocationSubscriptions } from '../../../src/core/revocation/revocation-subscriptions.ts';
import { ValidationServiceClient } from '../../../src/gen/latchkey/v1/validation.ts';
import type { CallerAuth, CallerTokens } from '../../../src/grpc/interceptors/caller-auth.ts';
import { validationService } from '../../../src/grpc/validation-service.ts';
import { aRevocation } from '../../support/revocations.ts';
import { HOUR } from '../../support/sessions.ts';
import { realClock, testEnvironment, validateByName } from './fakes.ts';
import { fakeCore, type RunningServer, startIdentityServer } from './identity-server.ts';

export const publicJwk = { kty: 'OKP', crv: 'Ed25519', x: 'x', kid: 'key-1', alg: 'EdDSA', use: 'sig' };

export interface ValidationServer {
  readonly running: RunningServer;
  readonly client: ValidationServiceClient;
  readonly subscriptions: RevocationSubscriptions;
  /** Sets the clock of the subscriptions further ahead of the real one. */
  skip(ms: number): void;
  readonly environment: ReturnType<typeof testEnvironment>;
  /** Appends the end of a session to the log; returns the session's id. */
  endSession(): Promise<string>;
  close(): Promise<void>;
}

export interface ValidationServerOptions {
  readonly callerAuth?: CallerAuth;
  readonly tokens?: CallerTokens;
  /** Ends that are in the log before the server reads it. */
  readonly endings?: number;
}

/** A real server with a real follower on a log in memory, and a client. */
export async function startValidationServer({
  callerAuth = 'open',
  tokens = { validate: validateByName },
  endings = 0,
}: ValidationServerOptions = {}): Promise<ValidationServer> {
  const log = new MemoryRevocationLog(HOUR);
  let skippedMs = 0;
  const clock = { now: realClock.now, monotonic: () => realClock.monotonic() + skippedMs };
  const subscriptions = new RevocationSubscriptions(clock);
  const follower = new RevocationFollower({
    log,
    clock: realClock,
    waitMs: 20,
    tokenLifeMs: HOUR,
    reinstate: async () => {},
    observer: { readFailed: () => {}, recovered: () => {}, entriesLost: () => {} },
    listener: subscriptions,
  });
  const endSession = async () => {
    const ending = aRevocation(realClock.now());
    await log.append(ending, realClock.now());
    return ending.sessionId;
  };
  for (let count = 0; count < endings; count += 1) await endSession();
  await follower.start();
  const environment = testEnvironment();
  const core = {
    keys: { currentPublicKeys: async () => [publicJwk] },
    subscriptions,
    tokens,
    issuer: 'https://latchkey.test',
    audiences: ['latchkey', 'shop'],
    maxTokenLifeMs: 900_500,
  };
  const running = await startIdentityServer(fakeCore().core, {
    services: [validationService(core, callerAuth, environment)],
  });
  const client = new ValidationServiceClient(running.address, credentials.createInsecure());
  return {
    running,
    client,
    subscriptions,
    skip: (ms) => {
      skippedMs += ms;
    },
    environment,
    endSession,
    close: async () => {
      client.close();
      await running.close();
      await follower.close();
    },
  };
}
