// `latchkey-client/testing`: latchkey without a network, for the tests of services that are guarded by it.
import './supported-node.ts';
import { status } from '@grpc/grpc-js';
import { KeySet } from '../validator/key-set.ts';
import { TokenVerifier } from '../validator/token-verifier.ts';
import { Validator } from '../validator/validator.ts';
import { LatchkeyError } from './errors.ts';
import { identityOfClaims, validationOfVerdict } from './judged-validation.ts';
import type { LatchkeyClient } from './latchkey-client.ts';
import { TestClock } from './testing-clock.ts';
import { TestFeed } from './testing-feed.ts';
import { TestTokens } from './testing-tokens.ts';
import type { EndReasonName, ValidateDemand, Validation } from './validation.ts';

export type { TestClock } from './testing-clock.ts';

export interface TestLatchkeyOptions {
  /** Where the clock begins. Default: the first instant of 2026, UTC. */
  readonly now?: Date | number;
  /** Default: `https://latchkey.test`. */
  readonly issuer?: string;
  /** Default: `test`. */
  readonly audience?: string;
}

export interface SignInOptions {
  /** Default: somebody new. */
  readonly userId?: string;
  /** Default: none. */
  readonly roles?: readonly string[];
  /** Default: none, as where a login names no application. */
  readonly clientId?: string;
  /** Default: `pwd`. */
  readonly authenticationMethods?: readonly string[];
  /** Whom the token is for. Default: the audience of this latchkey; another one makes a token that is refused. */
  readonly audience?: string;
  /** How long the token lives, milliseconds; at most an hour counts. Default: 15 minutes. */
  readonly tokenLifeMs?: number;
}

export interface SignedIn {
  readonly accessToken: string;
  readonly sessionId: string;
  readonly userId: string;
}

/** What guards and most services use of a client. */
export type TestClient = Pick<LatchkeyClient, 'validate' | 'onEnding' | 'ready' | 'staleness' | 'close'>;

const TOKEN_LIFE_MS = 900_000;
const MAX_TOKEN_LIFE_MS = 3_600_000;
const MAX_STALENESS_MS = 5_000;
const CACHE_SIZE = 1_000;

/**
 * A latchkey of one's own, in this process: tokens are signed and judged by the code that judges the real ones; only
 * service and wire are missing. Holds no timer and no socket.
 */
export function testLatchkey(options: TestLatchkeyOptions = {}): TestLatchkey {
  return new TestLatchkey(options);
}

export class TestLatchkey {
  readonly clock: TestClock;
  readonly client: TestClient;
  readonly #issuer: string;
  readonly #audience: string;
  readonly #tokens = new TestTokens();
  readonly #feed: TestFeed;
  readonly #validator: Validator;
  readonly #owners = new Map<string, string>();
  /** By user: sessions that begin from here on have not been ended with those before. */
  readonly #cutoffs = new Map<string, number>();
  #ids = 0;

  constructor({ now = Date.UTC(2026, 0, 1), issuer, audience }: TestLatchkeyOptions) {
    this.#issuer = issuer ?? 'https://latchkey.test';
    this.#audience = audience ?? 'test';
    this.clock = new TestClock(Number(now));
    this.#feed = new TestFeed(this.clock);
    const fetch = () => this.#tokens.publicKeys();
    const keys = new KeySet({ fetch, clock: this.clock, minRefetchIntervalMs: 0 });
    this.#validator = new Validator({
      verifier: new TokenVerifier(keys, CACHE_SIZE),
      revocations: this.#feed,
      clock: this.clock,
      issuer: this.#issuer,
      audiences: [this.#audience],
      maxStalenessMs: MAX_STALENESS_MS,
      maxTokenLifeMs: MAX_TOKEN_LIFE_MS,
    });
    this.client = this.#makeClient();
  }

  /** Opens a session, and answers an access token of it that the client accepts. */
  async signIn(options: SignInOptions = {}): Promise<SignedIn> {
    const now = this.clock.now();
    const { userId = this.#newId(now), tokenLifeMs = TOKEN_LIFE_MS } = options;
    const createdAt = Math.max(now, (this.#cutoffs.get(userId) ?? 0) + 1);
    const sessionId = this.#newId(createdAt);
    this.#owners.set(sessionId, userId);
    const accessToken = await this.#tokens.sign({
      ...{ issuer: this.#issuer, userId, sessionId, tokenId: this.#newId(now) },
      ...{ createdAt, issuedAt: now, expiresAt: now + tokenLifeMs },
      audience: options.audience ?? this.#audience,
      clientId: options.clientId ?? '',
      roles: options.roles ?? [],
      authenticationMethods: options.authenticationMethods ?? ['pwd'],
    });
    return { accessToken, sessionId, userId };
  }

  /** Ends a session, as a logout does. The client hears of it now, or once the feed is mended. */
  end(sessionId: string, reason: EndReasonName = 'LOGGED_OUT'): void {
    const userId = this.#owners.get(sessionId);
    if (userId === undefined) throw new Error(`No session was opened here with the id ${sessionId}.`);
    this.#feed.append({ kind: 'session', userId, sessionId, reason, ...this.#ending() });
  }

  /** Ends every session that the user has, as disabling the user does. Later ones are not touched. */
  endUser(userId: string, reason: EndReasonName = 'USER_DISABLED'): void {
    const cutoff = Math.max(this.clock.now(), this.#cutoffs.get(userId) ?? 0);
    this.#cutoffs.set(userId, cutoff);
    this.#feed.append({ kind: 'user', userId, cutoff, reason, ...this.#ending() });
  }

  /**
   * The service is out of reach: endings are not heard, and verdicts are given from what is known until that is 5 s
   * old by `clock`. From then on, and at once for `consistency: 'strong'`, `validate` fails as UNAVAILABLE.
   */
  cutFeed(): void {
    this.#feed.cut();
  }

  /** The service is back: what has ended meanwhile is heard. */
  mendFeed(): void {
    this.#feed.mend();
  }

  #makeClient(): TestClient {
    const feed = this.#feed;
    return {
      validate: (token, demand) => this.#validate(token, demand),
      onEnding: (listener) => feed.listen(listener),
      ready: async () => {
        if (feed.isCut) throw unavailable();
      },
      get staleness() {
        return { asOf: new Date(feed.asOf), ageMs: feed.ageMs };
      },
      close: async () => feed.close(),
    };
  }

  async #validate(token: string, demand: ValidateDemand = {}): Promise<Validation> {
    if (demand.signal?.aborted) throw new LatchkeyError(status.CANCELLED, 'The call was given up.');
    const { consistency, audience, atLeastRevision } = demand;
    const judged = await this.#validator.judge(token, {
      consistency: consistency === 'strong' ? 'STRONG' : 'BOUNDED',
      ...(audience === undefined || audience === '' ? {} : { audience }),
      ...(atLeastRevision === undefined || atLeastRevision === '' ? {} : { atLeastRevision }),
    });
    // Where the service would be asked: it knows every ending, and so does a feed that is not cut off.
    if (judged.verdict === undefined && this.#feed.isCut) throw unavailable();
    const verdict = judged.verdict ?? judged.token.accepted;
    const known = { asOf: new Date(this.#feed.asOf), revision: this.#feed.revision ?? '' };
    return validationOfVerdict(verdict, known, ({ claims }) => identityOfClaims(claims));
  }

  #ending() {
    const endedAt = this.clock.now();
    return { endedAt, expiresAt: endedAt + MAX_TOKEN_LIFE_MS };
  }

  /** A UUIDv7 with a number where others have chance: the same test sees the same ids. */
  #newId(madeAt: number): string {
    this.#ids += 1;
    const time = madeAt.toString(16).padStart(12, '0');
    return `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-${this.#ids.toString(16).padStart(12, '0')}`;
  }
}

function unavailable(): LatchkeyError {
  return new LatchkeyError(
    status.UNAVAILABLE,
    'The feed of revocations is cut off, and there is no service to ask.',
  );
}
