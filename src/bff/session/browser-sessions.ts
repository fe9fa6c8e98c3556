import type { FastifyReply, FastifyRequest } from 'fastify';
import {
  type Clock,
  type EndedByName,
  type EndReasonName,
  type Identity,
  type LatchkeyClient,
  LatchkeyError,
  type Refreshed,
  type Tokens,
} from '../../client/index.ts';
import type { Cookies } from '../browser/cookies.ts';
import type { Front } from '../front.ts';
import type { SessionEndView } from '../views.ts';
import type { Refreshes } from './refreshes.ts';

/** The session of a browser, as its cookies and the service say. */
export type BrowserSession =
  /** It never signed in, signed out, or its cookies are not ours. */
  | { readonly kind: 'none' }
  | {
      readonly kind: 'living';
      readonly identity: Identity;
      readonly accessToken: string;
      /** Undefined: the browser has only an access token. */
      readonly refreshToken: string | undefined;
      /** Set if this request refreshed the tokens, so that its answer carries new ones. */
      readonly refreshed: Refreshed | undefined;
    }
  | { readonly kind: 'ended'; readonly end: SessionEndView }
  /** The service cannot say. The cookies stay. */
  | { readonly kind: 'unknown'; readonly error: unknown };

export type LivingSession = Extract<BrowserSession, { readonly kind: 'living' }>;

export interface BrowserSessionsOptions {
  readonly client: Pick<LatchkeyClient, 'validate'>;
  readonly refreshes: Refreshes;
  readonly cookies: Cookies;
  readonly front: Front;
  readonly clock: Clock;
}

/** The access token is refreshed in the last fifth of its life, at most a minute before its end. */
const RENEWAL_SHARE = 0.2;
const MAX_RENEWAL_MS = 60_000;

/** Who ends a session with this reason. A reason that is missing here can have several causers. */
const ENDED_BY: Partial<Record<EndReasonName, EndedByName>> = {
  LOGGED_OUT: 'USER',
  REPLACED: 'USER',
  ENDED_BY_USER: 'USER',
  ENDED_BY_ADMIN: 'OPERATOR',
  USER_DISABLED: 'OPERATOR',
  USER_DELETED: 'OPERATOR',
  REFRESH_TOKEN_REUSED: 'SERVICE',
  IDLE: 'SERVICE',
  MAX_LIFETIME: 'SERVICE',
  RISK: 'SERVICE',
};

/** The end of a session, as pages show it. @param endedAt undefined: unknown. */
export function endOf(endReason: EndReasonName, endedAt?: Date): SessionEndView {
  return { endReason, endedBy: ENDED_BY[endReason] ?? 'UNSPECIFIED', endedAt };
}

/** Finds the session of a browser, and refreshes its tokens if they are due. Holds nothing between requests. */
export class BrowserSessions {
  readonly #options: BrowserSessionsOptions;

  constructor(options: BrowserSessionsOptions) {
    this.#options = options;
  }

  /** Never fails. With a good access token it costs no call of the service. */
  of(request: FastifyRequest): Promise<BrowserSession> {
    return this.#find(request).catch((error: unknown) => ({ kind: 'unknown', error }));
  }

  /** Puts the tokens of a session into cookies. @throws Refusal if a token is too large. */
  setTokens(reply: FastifyReply, tokens: Tokens): void {
    const { cookies, clock } = this.#options;
    const seconds = (tokens.refreshTokenExpiresAt.getTime() - clock.now()) / 1_000;
    cookies.set(reply, 'lk_access', tokens.accessToken, seconds);
    cookies.set(reply, 'lk_refresh', tokens.refreshToken, seconds);
  }

  /**
   * Puts refreshed tokens into the cookies of an answer, when it is sent. A late answer carries the newest tokens known by
   * then. It carries none if the session has ended: the browser may have a new one.
   */
  async setRefreshed(reply: FastifyReply, refreshed: Refreshed): Promise<void> {
    const { tokens } = this.#options.refreshes.newest(refreshed);
    const verdict = await this.#options.client.validate(tokens.accessToken).catch(() => undefined);
    if (verdict?.kind === 'rejected' && verdict.reason === 'SESSION_ENDED') return;
    this.setTokens(reply, tokens);
  }

  /** Removes the tokens from the browser. */
  clearTokens(reply: FastifyReply): void {
    this.#options.cookies.clear(reply, 'lk_access');
    this.#options.cookies.clear(reply, 'lk_refresh');
  }

  async #find(request: FastifyRequest): Promise<BrowserSession> {
    const { client, cookies } = this.#options;
    const accessToken = cookies.get(request, 'lk_access');
    const refreshToken = cookies.get(request, 'lk_refresh');
    const verdict = accessToken === undefined ? undefined : await client.validate(accessToken);
    if (verdict?.kind === 'accepted' && accessToken !== undefined) {
      const { identity } = verdict;
      const living: LivingSession = {
        kind: 'living',
        identity,
        accessToken,
        refreshToken,
        refreshed: undefined,
      };
      return refreshToken !== undefined && this.#isDue(identity)
        ? this.#renew(request, refreshToken, living)
        : living;
    }
    if (verdict?.kind === 'rejected' && verdict.reason === 'SESSION_ENDED') {
      return { kind: 'ended', end: endOf(verdict.endReason ?? 'UNSPECIFIED') };
    }
    return refreshToken === undefined ? { kind: 'none' } : this.#refresh(request, refreshToken);
  }

  /** The present token is still good, so a failed refresh does no harm. */
  async #renew(
    request: FastifyRequest,
    refreshToken: string,
    living: LivingSession,
  ): Promise<BrowserSession> {
    try {
      const renewed = await this.#refresh(request, refreshToken);
      return renewed.kind === 'none' ? living : renewed;
    } catch (error) {
      request.log.warn(
        { err: error },
        'a session could not be refreshed early; the next request tries again',
      );
      return living;
    }
  }

  async #refresh(request: FastifyRequest, refreshToken: string): Promise<BrowserSession> {
    const { client, refreshes, front } = this.#options;
    try {
      const refreshed = refreshes.newest(await refreshes.refresh(refreshToken, front.ownOrigin(request)));
      const { accessToken } = refreshed.tokens;
      const verdict = await client.validate(accessToken);
      if (verdict.kind === 'rejected')
        return { kind: 'ended', end: endOf(verdict.endReason ?? 'UNSPECIFIED') };
      const { identity } = verdict;
      return {
        kind: 'living',
        identity,
        accessToken,
        refreshToken: refreshed.tokens.refreshToken,
        refreshed,
      };
    } catch (error) {
      const reason = error instanceof LatchkeyError ? error.reason : undefined;
      if (reason === 'INVALID_REFRESH_TOKEN' || reason === 'INVALID_FIELD') return { kind: 'none' };
      if (reason === 'SESSION_ENDED') return { kind: 'ended', end: endOfError(error as LatchkeyError) };
      throw error;
    }
  }

  #isDue({ issuedAt, expiresAt }: Identity): boolean {
    const lifeMs = expiresAt.getTime() - issuedAt.getTime();
    const leftMs = expiresAt.getTime() - this.#options.clock.now();
    return leftMs < Math.min(MAX_RENEWAL_MS, lifeMs * RENEWAL_SHARE);
  }
}

function endOfError({ metadata }: LatchkeyError): SessionEndView {
  const { end_reason: reason = 'UNSPECIFIED', ended_at: at } = metadata;
  return endOf(reason as EndReasonName, at === undefined ? undefined : new Date(at));
}
