import type { FastifyRequest } from 'fastify';
import type { Clock, LatchkeyClient } from '../client/index.ts';
import type { Cookies } from './browser/cookies.ts';
import type { CsrfTokens } from './browser/csrf.ts';
import type { EventStreams } from './browser/event-streams.ts';
import type { FlowCookies } from './browser/flow-cookie.ts';
import type { PreSessions } from './browser/pre-session.ts';
import type { TicketCookies } from './browser/ticket-cookie.ts';
import type { Front } from './front.ts';
import type { Pages } from './pages.ts';
import type { BrowserSession, BrowserSessions, LivingSession } from './session/browser-sessions.ts';
import type { ProviderList } from './session/provider-list.ts';
import type { RevocationListeners } from './session/revocation-listeners.ts';

/** What the routes share. */
export interface BffContext {
  readonly client: LatchkeyClient;
  readonly clock: Clock;
  readonly clientId: string;
  readonly front: Front;
  readonly site: Site;
  /** Whether browsers use https. */
  readonly isSecure: boolean;
  readonly pages: Pages;
  readonly cookies: Cookies;
  readonly preSessions: PreSessions;
  readonly csrf: CsrfTokens;
  readonly tickets: TicketCookies;
  readonly flows: FlowCookies;
  readonly providers: ProviderList;
  readonly sessions: BrowserSessions;
  readonly revocations: RevocationListeners;
  readonly streams: EventStreams;
}

/** Where browsers reach the pages. */
export interface Site {
  /** Without a slash at the end. With port 0, known once the program listens. */
  origin: string;
}

/** What a route needs. */
export interface RouteNeeds {
  /**
   * `required`: a living session; otherwise the request is refused, or sent to the sign-in page. `optional`: the session
   * if there is one. Default: the route does not look for it.
   */
  readonly session?: 'required' | 'optional';
  /** Refusals are problems, not pages. Default: as the path says. */
  readonly isApi?: true;
  /**
   * When a change needs a CSRF token. Default: always. `none`: the route checks it itself. `living`: only while the
   * session lives, because the token of a page is bound to its session.
   */
  readonly csrf?: 'none' | 'living';
}

declare module 'fastify' {
  interface FastifyContextConfig {
    readonly needs?: RouteNeeds;
  }
  interface FastifyRequest {
    /** Undefined: the route does not look for a session. */
    browserSession: BrowserSession | undefined;
  }
}

/** The session of a request. @throws Error if the route does not require one: a bug. */
export function livingSession({ browserSession }: FastifyRequest): LivingSession {
  if (browserSession?.kind !== 'living') throw new Error('The route does not require a session.');
  return browserSession;
}
