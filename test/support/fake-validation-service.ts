import {
  type handleUnaryCall,
  Metadata,
  Server,
  ServerCredentials,
  type ServerWritableStream,
  type ServiceError,
  status,
} from '@grpc/grpc-js';
import {
  type BatchValidateRequest,
  type BatchValidateResponse,
  type IdentityServiceServer,
  IdentityServiceService,
} from '../../src/gen/latchkey/v1/identity.ts';
import { EndReason } from '../../src/gen/latchkey/v1/session.ts';
import {
  NextStep,
  RejectionReason,
  type Revocation,
  ValidationServiceService,
  type Verdict,
  type WatchRevocationsRequest,
  type WatchRevocationsResponse,
} from '../../src/gen/latchkey/v1/validation.ts';
import { ServiceHealth } from '../../src/grpc/health.ts';
import type { Clock } from '../../src/validator/clock.ts';
import { fakeSession, fakeTokens } from './fake-session.ts';
import { AUDIENCE, ISSUER, type TestKey } from './test-keys.ts';

type Stream = ServerWritableStream<WatchRevocationsRequest, WatchRevocationsResponse>;

const TOKEN_LIFE_MS = 900_000;

const SESSION_ENDED: Verdict['verdict'] = {
  $case: 'rejection',
  value: {
    reason: RejectionReason.SESSION_ENDED,
    endReason: EndReason.LOGGED_OUT,
    nextStep: NextStep.LOGIN,
  },
};

/** Milliseconds as the contract's Duration. */
export function duration(ms: number) {
  return { seconds: Math.floor(ms / 1_000), nanos: Math.round((ms % 1_000) * 1_000_000) };
}

/** The end of one session, as the stream sends it. */
export function endOf(sessionId: string, at: number): Revocation {
  return {
    userId: '01900000-0000-7000-8000-00000000aaaa',
    scope: { $case: 'sessionId', value: sessionId },
    endReason: EndReason.LOGGED_OUT,
    endedAt: new Date(at),
    expiresAt: new Date(at + 900_000),
  };
}

/** One stream of WatchRevocations of the fake. The test decides what is sent and when. */
export class FakeWatch {
  readonly request: WatchRevocationsRequest;
  readonly authorization: string | undefined;
  readonly #stream: Stream;
  isCancelled = false;

  constructor(stream: Stream) {
    this.#stream = stream;
    this.request = stream.request;
    this.authorization = stream.metadata.get('authorization')[0]?.toString();
    stream.on('cancelled', () => {
      this.isCancelled = true;
    });
  }

  send(message: Partial<WatchRevocationsResponse>): void {
    this.#stream.write({ start: undefined, revocations: [], revision: '', freshness: undefined, ...message });
  }

  fail(code: status, details = 'The test says so.', metadata = new Metadata()): void {
    const error: Partial<ServiceError> = Object.assign(new Error(details), { code, details, metadata });
    this.#stream.emit('error', error);
  }
}

/**
 * Serves the part of the contract that a validating client needs. By default it is healthy: it returns the keys and
 * sends each watch a current freshness. It reports the session of every token as ended, so its verdicts differ from
 * local ones. A test replaces the part that it tests.
 */
export class FakeValidationService {
  readonly clock: Clock;
  readonly watches: FakeWatch[] = [];
  readonly batches: BatchValidateRequest[] = [];
  keys: readonly TestKey[] = [];
  issuer = ISSUER;
  audiences = [AUDIENCE];
  maxAgeMs = 60_000;
  maxTokenLifeMs = 900_000;
  coveredSince = 0;
  revision = '100-0';
  keyFetches = 0;
  /** Thrown by the rpc of this name. */
  readonly failures = new Map<string, Partial<ServiceError>>();
  /** How often each rpc was called. */
  readonly calls = new Map<string, number>();
  /** Its health: serving. */
  readonly health = new ServiceHealth([]);
  /** What a new watch receives. */
  greet: (watch: FakeWatch) => void = (watch) => this.tellCurrent(watch, { isStart: true });
  /** The response to BatchValidate. */
  answer: (request: BatchValidateRequest) => BatchValidateResponse | Promise<BatchValidateResponse>;
  readonly #server = new Server();
  #address = '';

  private constructor(clock: Clock, keys: readonly TestKey[]) {
    this.clock = clock;
    this.keys = keys;
    this.answer = ({ accessTokens }) => this.ended(accessTokens);
  }

  static async start(
    clock: Clock,
    keys: readonly TestKey[],
    address = '127.0.0.1:0',
  ): Promise<FakeValidationService> {
    const fake = new FakeValidationService(clock, keys);
    fake.#server.addService(ValidationServiceService, {
      getSigningKeys: fake.#unary('GetSigningKeys', () => fake.#signingKeys()),
      watchRevocations: (stream: Stream) => fake.#watch(stream),
    });
    fake.#server.addService(IdentityServiceService, fake.#identity());
    fake.health.addTo(fake.#server);
    fake.health.setServing(true);
    const port = await new Promise<number>((resolve, reject) => {
      fake.#server.bindAsync(address, ServerCredentials.createInsecure(), (error, bound) =>
        error === null ? resolve(bound) : reject(error),
      );
    });
    fake.#address = `127.0.0.1:${port}`;
    return fake;
  }

  get address(): string {
    return this.#address;
  }

  get lastWatch(): FakeWatch {
    const watch = this.watches.at(-1);
    if (watch === undefined) throw new Error('nobody watches');
    return watch;
  }

  /** Sends a freshness on a watch: everything up to `ageMs` ago has been sent. */
  tellCurrent(watch: FakeWatch, { isStart = false, ageMs = 0, ...message }: Telling = {}): void {
    const { clock } = this;
    watch.send({
      start: isStart
        ? {
            openedAt: duration(clock.monotonic()),
            resumed: watch.request.afterRevision !== '',
            coveredSince: new Date(this.coveredSince),
          }
        : undefined,
      revision: this.revision,
      freshness: {
        asOf: new Date(clock.now() - ageMs),
        asOfMonotonic: duration(clock.monotonic() - ageMs),
        revision: this.revision,
      },
      ...message,
    });
  }

  /** The response that every session has ended, which no local validation would give. */
  ended(tokens: readonly string[]): BatchValidateResponse {
    return {
      verdicts: tokens.map(() => ({ verdict: SESSION_ENDED })),
      asOf: new Date(this.clock.now()),
      revision: this.revision,
    };
  }

  callsOf(rpc: string): number {
    return this.calls.get(rpc) ?? 0;
  }

  failAll(code: status): void {
    for (const rpc of ['GetSigningKeys', 'WatchRevocations', 'BatchValidate'])
      this.failures.set(rpc, { code });
  }

  close(): void {
    this.#server.forceShutdown();
  }

  #signingKeys() {
    this.keyFetches += 1;
    return {
      jwks: JSON.stringify({ keys: this.keys.map(({ publicJwk }) => publicJwk) }),
      maxAge: duration(this.maxAgeMs),
      issuer: this.issuer,
      audiences: this.audiences,
      maxTokenLife: duration(this.maxTokenLifeMs),
    };
  }

  #watch(stream: Stream): void {
    this.#count('WatchRevocations');
    const failure = this.failures.get('WatchRevocations');
    const watch = new FakeWatch(stream);
    if (failure !== undefined) {
      watch.fail(failure.code ?? status.UNAVAILABLE);
      return;
    }
    this.watches.push(watch);
    this.greet(watch);
  }

  #identity(): IdentityServiceServer {
    const at = new Date();
    const signedIn = {
      tokens: fakeTokens('access', 'refresh', new Date(at.getTime() + TOKEN_LIFE_MS)),
      session: fakeSession(at),
    };
    return {
      login: this.#unary('Login', () => ({
        outcome: {
          $case: 'signedIn' as const,
          value: { ...signedIn, endedSessions: [], deviceToken: 'lkd_device' },
        },
      })),
      refresh: this.#unary('Refresh', () => signedIn),
      logout: this.#unary('Logout', () => ({ revision: this.revision })),
      validate: this.#unary('Validate', () => ({ verdict: undefined, asOf: undefined, revision: '' })),
      batchValidate: this.#unary('BatchValidate', (request: BatchValidateRequest) => {
        this.batches.push(request);
        return this.answer(request);
      }),
    };
  }

  #unary<Request, Response>(
    rpc: string,
    answer: (request: Request) => Response | Promise<Response>,
  ): handleUnaryCall<Request, Response> {
    return async (call, callback) => {
      this.#count(rpc);
      const failure = this.failures.get(rpc);
      if (failure === undefined) callback(null, await answer(call.request));
      else callback({ details: 'The test says so.', ...failure });
    };
  }

  #count(rpc: string): void {
    this.calls.set(rpc, this.callsOf(rpc) + 1);
  }
}

type Telling = Partial<WatchRevocationsResponse> & { readonly isStart?: boolean; readonly ageMs?: number };
