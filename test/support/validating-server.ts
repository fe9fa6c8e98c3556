import { RevocationSubscriptions } from '../../src/core/revocation/revocation-subscriptions.ts';
import { identityService } from '../../src/grpc/identity-service.ts';
import { GrpcServer } from '../../src/grpc/server.ts';
import type { CallEnvironment, ServiceRegistration } from '../../src/grpc/service-registration.ts';
import { validationService } from '../../src/grpc/validation-service.ts';
import { testEnvironment } from '../grpc/support/fakes.ts';
import { ManualClock } from './manual-clock.ts';
import { SessionWorld } from './session-world.ts';
import { HOUR, MINUTE } from './sessions.ts';
import { AUDIENCE, ISSUER, type TestKey } from './test-keys.ts';

/**
 * A real server that validates tokens, in this process and with the test's keys. It has IdentityService without Login
 * and ValidationService, on sessions in memory and a clock that stands still.
 */
export class ValidatingServer {
  readonly world: SessionWorld;
  readonly address: string;
  /** The calls so far, as `rpc code`. */
  readonly calls: readonly string[];
  readonly #server: GrpcServer;

  private constructor(world: SessionWorld, address: string, server: GrpcServer, calls: readonly string[]) {
    this.world = world;
    this.calls = calls;
    this.address = address;
    this.#server = server;
  }

  static async start(key: TestKey, otherKeys: readonly TestKey[] = []): Promise<ValidatingServer> {
    // Deadlines use the machine's clock, so this clock must show about the same time.
    const clock = new ManualClock(Date.now() - HOUR);
    const subscriptions = new RevocationSubscriptions(clock);
    const world = await SessionWorld.open({ key, otherKeys, listener: subscriptions }, clock);
    await world.settle(HOUR);
    const environment = { ...testEnvironment(), clock };
    const keys = [key, ...otherKeys];
    const services = ValidatingServer.#services(world, subscriptions, keys, environment);
    const { log, callMetrics } = environment;
    const server = new GrpcServer({ address: '127.0.0.1:0', services, reflection: false, log });
    return new ValidatingServer(world, await server.listen(), server, callMetrics.calls);
  }

  static #services(
    { sessions, tokens }: SessionWorld,
    subscriptions: RevocationSubscriptions,
    keys: readonly TestKey[],
    environment: CallEnvironment,
  ): readonly ServiceRegistration[] {
    const login = { login: () => Promise.reject(new Error('nobody signs in here')) };
    const validation = {
      keys: { currentPublicKeys: async () => keys.map(({ publicJwk }) => publicJwk as never) },
      subscriptions,
      tokens,
      issuer: ISSUER,
      audiences: [AUDIENCE],
      maxTokenLifeMs: 15 * MINUTE,
    };
    return [
      identityService(
        { login, sessions, tokens, onVerdict: () => undefined },
        { callerAuth: 'open', frontAuth: 'none' },
        environment,
      ),
      validationService(validation, 'open', environment),
    ];
  }

  async close(): Promise<void> {
    await this.#server.drain({ delayMs: 0, timeoutMs: 0 });
    await this.world.close();
  }
}
