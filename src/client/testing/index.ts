// `latchkey-client/testing`: an in-process latchkey without a network, for tests of services that use guards.
import '../transport/supported-node.ts';
import { status } from '@grpc/grpc-js';
import { KeySet } from '../../validator/key-set.ts';
import { TokenVerifier } from '../../validator/token-verifier.ts';
import { Validator } from '../../validator/validator.ts';
import { identityOfClaims, validationOfVerdict } from '../local/validation-results.ts';
import { cancelledError } from '../transport/cancellable.ts';
import { LatchkeyError } from '../transport/errors.ts';
import type { LatchkeyClient } from '../transport/latchkey-client.ts';
import type { EndReasonName, Requirements, Validation } from '../transport/validation.ts';
import { TestClock } from './test-clock.ts';
import { TestRevocations } from './test-revocations.ts';
import { TestTokens } from './test-tokens.ts';
import { TestWatches } from './test-watches.ts';

export type { TestClock } from './test-clock.ts';

/**
 * Options of `testLatchkey`.
 *
 * @example
 * const options: TestLatchkeyOptions = { now: new Date('2030-05-01T12:00:00Z'), audience: 'shop' };
 * const latchkey = testLatchkey(options);
 */
export interface TestLatchkeyOptions {
  /** The start time of the clock; a number is milliseconds since 1970. Default: 2026-01-01T00:00:00Z. */
  readonly now?: Date | number | undefined;
  /** The issuer of the tokens. Default: `https://latchkey.test`. */
  readonly issuer?: string | undefined;
  /** The audience that the client accepts. Default: `test`. */
  readonly audience?: string | undefined;
}

/**
 * Options of `TestLatchkey.signIn`.
 *
 * @example
 * const options: SignInOptions = { roles: ['admin'], tokenLifeMs: 60_000 };
 * const { accessToken } = await latchkey.signIn(options);
 */
export interface SignInOptions {
  /** A UUID. Default: a new user. */
  readonly userId?: string | undefined;
  /** The user's roles. Default: none. */
  readonly roles?: readonly string[] | undefined;
  /** The application. Default: none. */
  readonly clientId?: string | undefined;
  /** How the user authenticated (RFC 8176). Default: `pwd`. */
  readonly authenticationMethods?: readonly string[] | undefined;
  /** The audience of the token. The client rejects any other than its own. Default: the client's audience. */
  readonly audience?: string | undefined;
  /** Lifetime of the token, in milliseconds; at most an hour. Default: 900,000, 15 minutes. */
  readonly tokenLifeMs?: number | undefined;
}

/**
 * The answer of `TestLatchkey.signIn`.
 *
 * @example
 * const ada: SignedIn = await latchkey.signIn();
 * latchkey.end(ada.sessionId);
 */
export interface SignedIn {
  /** The client accepts it until it expires or the session ends. */
  readonly accessToken: string;
  /** A UUID, the same in each run of a test. */
  readonly sessionId: string;
  /** The given one, or a UUID that is the same in each run of a test. */
  readonly userId: string;
}

/**
 * The part of a client that guards and most services use.
 *
 * @example
 * const client: TestClient = latchkey.client;
 * const verdict = await client.validate(accessToken);
 */
export type TestClient = Pick<
  LatchkeyClient,
  'validate' | 'onRevocation' | 'watchSession' | 'ready' | 'staleness' | 'close'
>;

const TOKEN_LIFE_MS = 900_000;
const MAX_TOKEN_LIFE_MS = 3_600_000;
const MAX_STALENESS_MS = 5_000;
const CACHE_SIZE = 1_000;

/**
 * Creates an in-process latchkey for tests. It validates tokens with the same code as the real client, but without a
 * service or network. It holds no timers and no sockets.
 *
 * @param options see {@link TestLatchkeyOptions}.
 *
 * @example
 * const latchkey = testLatchkey();
 * const { accessToken, sessionId } = await latchkey.signIn({ roles: ['admin'] });
 * latchkey.end(sessionId);
 * const verdict = await latchkey.client.validate(accessToken); // rejected: SESSION_ENDED
 */
export function testLatchkey(options: TestLatchkeyOptions = {}): TestLatchkey {
  return new TestLatchkey(options);
}

/**
 * An in-process latchkey for tests, as returned by `testLatchkey`.
 *
 * @example
 * const latchkey: TestLatchkey = testLatchkey();
 * const { accessToken } = await latchkey.signIn();
 */
export class TestLatchkey {
  /** The clock of service and client. It stands still until a test moves it. */
  readonly clock: TestClock;
  /** Pass it to guards, or use it directly. */
  readonly client: TestClient;
  readonly #issuer: string;
  readonly #audience: string;
  readonly #tokens = new TestTokens();
  readonly #revocations: TestRevocations;
  readonly #validator: Validator;
  readonly #watches: TestWatches;
  readonly #owners = new Map<string, string>();
  /** By user: the latest cut-off. Sessions created after it have not ended with those before. */
  readonly #cutoffs = new Map<string, number>();
  #ids = 0;

  constructor({ now = Date.UTC(2026, 0, 1), issuer, audience }: TestLatchkeyOptions) {
    this.#issuer = issuer ?? 'https://latchkey.test';
    this.#audience = audience ?? 'test';
    this.clock = new TestClock(Number(now));
    this.#revocations = new TestRevocations(this.clock);
    const fetch = () => this.#tokens.publicKeys();
    const keys = new KeySet({ fetch, clock: this.clock, minRefetchIntervalMs: 0 });
    this.#validator = new Validator({
      verifier: new TokenVerifier(keys, CACHE_SIZE),
      revocations: this.#revocations,
      clock: this.clock,
      issuer: this.#issuer,
      audiences: [this.#audience],
      maxStalenessMs: MAX_STALENESS_MS,
      maxTokenLifeMs: MAX_TOKEN_LIFE_MS,
    });
    this.#watches = new TestWatches({
      revocations: this.#revocations,
      verify: (token) => this.#validator.verify(token),
    });
    this.client = this.#makeClient();
  }

  /**
   * Opens a session and returns an access token that the client accepts.
   *
   * @param options see {@link SignInOptions}. Default: a new user without roles.
   *
   * @example
   * const { accessToken } = await latchkey.signIn({ roles: ['admin'], tokenLifeMs: 60_000 });
   */
  async signIn(options: SignInOptions = {}): Promise<SignedIn> {
    const now = this.clock.now();
    const { userId = this.#newId(now), tokenLifeMs = TOKEN_LIFE_MS } = options;
    const createdAt = Math.max(now, (this.#cutoffs.get(userId) ?? 0) + 1);
    const sessionId = this.#newId(createdAt);
    this.#owners.set(sessionId, userId);
    const accessToken = await this.#tokens.sign({
      issuer: this.#issuer,
      userId,
      sessionId,
      tokenId: this.#newId(now),
      createdAt,
      issuedAt: now,
      expiresAt: now + tokenLifeMs,
      audience: options.audience ?? this.#audience,
      clientId: options.clientId ?? '',
      roles: options.roles ?? [],
      authenticationMethods: options.authenticationMethods ?? ['pwd'],
    });
    return { accessToken, sessionId, userId };
  }

  /**
   * Ends a session, as a logout does. The client and its watches learn it immediately, or at `reconnect` if it is disconnected.
   *
   * @param reason default: `LOGGED_OUT`.
   * @throws Error if no session has this id.
   *
   * @example
   * latchkey.end(sessionId);
   */
  end(sessionId: string, reason: EndReasonName = 'LOGGED_OUT'): void {
    const userId = this.#owners.get(sessionId);
    if (userId === undefined) throw new Error(`No session has the id ${sessionId}.`);
    this.#revocations.append({ kind: 'session', userId, sessionId, reason, ...this.#revocationTimes() });
    this.#watches.update();
  }

  /**
   * Ends all current sessions of a user, as disabling the user does. Later sessions are not affected.
   *
   * @param reason default: `USER_DISABLED`.
   *
   * @example
   * latchkey.endUser(userId);
   */
  endUser(userId: string, reason: EndReasonName = 'USER_DISABLED'): void {
    const cutoff = Math.max(this.clock.now(), this.#cutoffs.get(userId) ?? 0);
    this.#cutoffs.set(userId, cutoff);
    this.#revocations.append({ kind: 'user', userId, cutoff, reason, ...this.#revocationTimes() });
    this.#watches.update();
  }

  /**
   * Makes the service unreachable. The client receives no more ends, and validates with its local copy until that is
   * 5 s old by `clock`. After that, and immediately for `consistency: 'strong'`, `validate` fails with UNAVAILABLE.
   *
   * @example
   * latchkey.disconnect();
   * latchkey.clock.advance(5_001); // from now on validate fails
   */
  disconnect(): void {
    this.#revocations.disconnect();
    this.#watches.update();
  }

  /**
   * Makes the service reachable again. The client receives the ends that it missed.
   *
   * @example
   * latchkey.reconnect();
   */
  reconnect(): void {
    this.#revocations.reconnect();
    this.#watches.update();
  }

  #makeClient(): TestClient {
    const revocations = this.#revocations;
    return {
      validate: (token, requirements) => this.#validate(token, requirements),
      onRevocation: (listener) => revocations.listen(listener),
      watchSession: (options) => this.#watches.watch(options),
      ready: async () => {
        if (revocations.isDisconnected) throw unavailable();
      },
      get staleness() {
        return { asOf: new Date(revocations.asOf), ageMs: revocations.ageMs };
      },
      close: async () => {
        revocations.close();
        this.#watches.close();
      },
    };
  }

  async #validate(token: string, requirements: Requirements = {}): Promise<Validation> {
    if (requirements.signal?.aborted) throw cancelledError();
    const { consistency, audience, atLeastRevision } = requirements;
    const validated = await this.#validator.validate(token, {
      consistency: consistency === 'strong' ? 'STRONG' : 'BOUNDED',
      ...(audience === undefined || audience === '' ? {} : { audience }),
      ...(atLeastRevision === undefined || atLeastRevision === '' ? {} : { atLeastRevision }),
    });
    // A real client would call the service, which knows every end. While connected, so does this copy.
    if (validated.verdict === undefined && this.#revocations.isDisconnected) throw unavailable();
    const verdict = validated.verdict ?? validated.token.accepted;
    const known = { asOf: new Date(this.#revocations.asOf), revision: this.#revocations.revision ?? '' };
    return validationOfVerdict(verdict, known, ({ claims }) => identityOfClaims(claims));
  }

  #revocationTimes() {
    const endedAt = this.clock.now();
    return { endedAt, expiresAt: endedAt + MAX_TOKEN_LIFE_MS };
  }

  /** A UUIDv7 with a counter instead of random bits, so that each run of a test gets the same ids. */
  #newId(madeAt: number): string {
    this.#ids += 1;
    const time = madeAt.toString(16).padStart(12, '0');
    return `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-${this.#ids.toString(16).padStart(12, '0')}`;
  }
}

function unavailable(): LatchkeyError {
  return new LatchkeyError(status.UNAVAILABLE, 'The test client is disconnected from the service.');
}
