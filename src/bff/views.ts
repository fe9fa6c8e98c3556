// What each page shows. Handlers fill these in; `pages/` turns them into HTML. Texts are chosen by `pages/`, so a view
// has codes, names and times, but no sentences.
import type * as ClientTypes from '../client/index.ts';
import type { EndedByName, EndReasonName } from '../client/index.ts';

export const LANGUAGES = ['en', 'zh'] as const;
export type Language = (typeof LANGUAGES)[number];

/** What every page has. */
export interface PageView {
  readonly language: Language;
  /** The path and query of this page, for links that change the language: add `lang=zh`. Always begins with one `/`. */
  readonly path: string;
  /** Every form with method `post` sends it as field `csrf`. Scripts send it as header `x-csrf-token`. */
  readonly csrfToken: string;
  /** When the page was made. Times are shown relative to it, and countdowns begin with it. */
  readonly now: Date;
  /** Whether the browser has a session: the page shows the menu and `Sign out`. */
  readonly isSignedIn: boolean;
  /** Whether there are providers at all. Otherwise the menu does not have `/providers`. */
  readonly hasProviders: boolean;
  readonly notice: Notice | undefined;
}

/** A message above the content. Its tone follows from its code. */
export interface Notice {
  readonly code: NoticeCode;
  /** When a repeat makes sense. Undefined: it does at once, or never. */
  readonly retryAfterSeconds: number | undefined;
}

export const NOTICE_CODES = [
  // Successes.
  'signed-out',
  'password-changed',
  'session-ended-by-you',
  'others-ended',
  'identity-linked',
  'identity-unlinked',
  // What the person can put right.
  'invalid-credentials',
  'username-missing',
  'password-missing',
  'passwords-differ',
  'wrong-current-password',
  'new-password-refused',
  'digits-missing',
  'session-limit',
  'session-not-found',
  'form-expired',
  'form-refused',
  // What the person cannot put right.
  'too-many-attempts',
  'service-unavailable',
  'end-unconfirmed',
  'sign-in-risk',
  'ticket-denied',
  'ticket-wrong-digits',
  'ticket-approver-ended',
  'ticket-expired',
  'ticket-unknown',
  'ticket-used',
  'identity-not-linked',
  'provider-refused',
  'provider-unavailable',
  'flow-unknown',
  'link-session-ended',
  'identity-taken',
  'username-taken',
  'last-sign-in-method',
] as const;
export type NoticeCode = (typeof NOTICE_CODES)[number];

/**
 * `GET /sign-in`. Forms:
 * - `POST /sign-in`: `csrf`, `next`, `username`, `password`, and `end_session_id` at the session limit.
 * - `POST /sign-in/code`: `csrf`, `next`. Makes a new code, then shows this page.
 * - `POST /sign-in/code/redeem`: `csrf`, `next`, and `end_session_id` at the session limit. Signs in if the code is
 *   approved, otherwise shows this page with the present state: without scripts it is the button `Continue`.
 * - `POST /sign-in/provider`: `csrf`, `next`, `provider`. Shows the page of `ProviderRedirectView`.
 * - `POST /external/callback`: `csrf`, `provider`, `query`, `end_session_id`; at the session limit only.
 */
export interface SignInView {
  readonly page: PageView;
  /** A local path to go to after the sign-in. Send it on in every form. */
  readonly next: string;
  /** As typed before. */
  readonly username: string;
  /** The session of this browser that has just ended, if that is why the page is shown. */
  readonly ended: SessionEndView | undefined;
  /** Undefined: no code could be made; the page offers a new one. */
  readonly ticket: TicketView | undefined;
  /** Set at the session limit: one of them must end. The person chooses one and, after a password, types it again. */
  readonly sessionLimit: SessionLimitView | undefined;
  readonly providers: readonly ProviderView[];
}

/**
 * The code beside the form. Live: an event stream at `/sign-in/code/events` sends `ticket` with the JSON of
 * `TicketEvent`, and `interrupted` with `{}` while the service does not answer. It ends after a final state. When the
 * ticket is APPROVED, the script submits the form of `/sign-in/code/redeem`.
 */
export interface TicketView {
  /** What the QR code says. */
  readonly url: string;
  readonly state: TicketStateName;
  /** Two digits to show. Empty until it is scanned. */
  readonly digits: string;
  readonly expiresAt: Date;
}

export type TicketStateName = ClientTypes.TicketStateName;
export type TicketDenialName = ClientTypes.TicketDenialName;

/** The data of an event `ticket`. */
export interface TicketEvent {
  readonly state: TicketStateName;
  readonly denial: TicketDenialName;
  readonly digits: string;
  /** ISO 8601. */
  readonly expiresAt: string;
}

export interface SessionLimitView {
  /** Which form to send again: the one with the password, `/sign-in/code/redeem`, or `/external/callback`. */
  readonly by: 'password' | 'ticket' | 'provider';
  /** Set if `by` is `provider`: what the form sends again in the fields `provider` and `query`. */
  readonly answer: ProviderAnswerView | undefined;
  readonly sessions: readonly SessionChoiceView[];
}

/** What the browser brought back from a provider. */
export interface ProviderAnswerView {
  readonly provider: string;
  /** The query of the address that it came back to, without `?`. */
  readonly query: string;
}

/** A session that may end so that another can begin. */
export interface SessionChoiceView {
  readonly sessionId: string;
  /** Empty: unknown. */
  readonly deviceName: string;
  /** Empty: unknown. */
  readonly platform: string;
  readonly createdAt: Date;
  readonly lastSeenAt: Date;
}

export interface ProviderView {
  /** Field `provider` of forms. */
  readonly name: string;
  /** What pages show, for example `WeChat`. */
  readonly displayName: string;
}

/**
 * `GET /qr/<ticket id>`, on the phone. Loading the page does not scan the ticket. Forms:
 * - `POST /qr/<ticket id>/scan`: `csrf`. Shows this page with step `decide`.
 * - `POST /qr/<ticket id>/approve`: `csrf`, `digits`.
 * - `POST /qr/<ticket id>/deny`: `csrf`.
 */
export interface ApproveView {
  readonly page: PageView;
  readonly ticketId: string;
  readonly step: ApproveStep;
}

export type ApproveStep =
  /** Before the scan. The person presses a button to go on. */
  | { readonly kind: 'ask' }
  | {
      readonly kind: 'decide';
      readonly asker: AskerView;
      /** As typed before. */
      readonly digits: string;
    }
  | { readonly kind: 'approved' }
  | { readonly kind: 'denied' }
  /** It cannot be approved any more; `page.notice` says why. */
  | { readonly kind: 'over' };

/**
 * The device that wants to be signed in. What it says of itself may be a lie. The address is what
 * the service or a front saw; without a front it is that of the BFF.
 */
export interface AskerView {
  /** Empty: unknown. */
  readonly deviceName: string;
  /** Empty: unknown. */
  readonly platform: string;
  /** The application. Empty: none. */
  readonly clientId: string;
  /** Empty: unknown. */
  readonly ipAddress: string;
  /** False: no, or unknown. */
  readonly sharesNetwork: boolean;
  readonly createdAt: Date;
  readonly expiresAt: Date;
  /** The user whom an approval signs in. Empty: unknown. */
  readonly username: string;
}

/**
 * `GET /devices`. Forms:
 * - `POST /devices/end`: `csrf`, `session_id`.
 * - `POST /devices/end-others`: `csrf`.
 * - `POST /sign-out`: `csrf`; on every page of a signed-in browser.
 *
 * Live: an event stream at `/api/events`:
 * - `session-ended` with the JSON of `SessionEndedEvent`: a session in the list has ended.
 * - `ended` with the JSON of `SessionEndedEvent`: the session of this browser has ended; the stream ends. The page says
 *   why at once and keeps what was typed. Its link goes to `/sign-in?next=<path>`.
 * - `interrupted` and `alive`, with data `{}`: the service cannot say at present whether the session is living, or can.
 */
export interface DevicesView {
  readonly page: PageView;
  /** Whose sessions they are. Empty: unknown. */
  readonly username: string;
  /** The living sessions: that of this browser, then the newest sign-in first. */
  readonly sessions: readonly SessionView[];
  /** Ended in the last 30 days, the latest end first. */
  readonly endedSessions: readonly SessionView[];
  /** Path of the next page of the list. Undefined: this is the last one. */
  readonly nextPagePath: string | undefined;
}

/** The data of `session-ended` and `ended`. */
export interface SessionEndedEvent {
  /** Empty: every session of the user but this one. */
  readonly sessionId: string;
  readonly endReason: EndReasonName;
  readonly endedBy: EndedByName;
  /** ISO 8601. Empty: unknown. */
  readonly endedAt: string;
}

/** A session in a list. What happened to it is at `/sessions/<session id>`. */
export interface SessionView {
  readonly sessionId: string;
  /** Empty: unknown. */
  readonly deviceName: string;
  /** Empty: unknown. */
  readonly platform: string;
  /** The application. Empty: none. */
  readonly clientId: string;
  /** At sign-in. Empty: unknown. */
  readonly ipAddress: string;
  /** At the last refresh. Empty: unknown. */
  readonly latestIpAddress: string;
  /** How it was opened: values of RFC 8176, for example `pwd`, or `mca` for a code. Empty: unknown. */
  readonly authenticationMethods: readonly string[];
  readonly createdAt: Date | undefined;
  readonly lastSeenAt: Date | undefined;
  readonly idleDeadline: Date | undefined;
  readonly absoluteDeadline: Date | undefined;
  /** The session of this browser. */
  readonly isCurrent: boolean;
  readonly isNewDevice: boolean;
  /** Undefined: it is living. */
  readonly ended: SessionEndView | undefined;
}

export interface SessionEndView {
  readonly endReason: EndReasonName;
  readonly endedBy: EndedByName;
  /** Undefined: unknown. */
  readonly endedAt: Date | undefined;
}

/** `GET /sessions/<session id>`: what happened to a session. */
export interface SessionHistoryView {
  readonly page: PageView;
  readonly session: SessionView;
  /** Oldest first. */
  readonly entries: readonly TimelineEntryView[];
  /** Events after the sign-in were left out. */
  readonly omitsEntries: boolean;
  /** How the end is known. Undefined: the session is living. */
  readonly endEvidence: 'RECORDED' | 'DEADLINE' | 'LOST' | undefined;
  /** It ended between these two instants. Undefined: it is living. Equal: exactly then. */
  readonly endedNotBefore: Date | undefined;
  readonly endedNotAfter: Date | undefined;
}

export type TimelineKindName = keyof typeof ClientTypes.SessionTimelineKind;

export interface TimelineEntryView {
  readonly kind: TimelineKindName;
  readonly at: Date | undefined;
  /** The last of several like events. Equal to `at` if `count` is 1. */
  readonly lastAt: Date | undefined;
  readonly count: number;
  /** UNSPECIFIED unless `kind` is ENDED. */
  readonly endReason: EndReasonName;
  readonly endedBy: EndedByName;
  /** A name of ErrorReason or of AuditEventKind; may be one that is not known here. Empty: none. */
  readonly reason: string;
  /** Empty: unknown. */
  readonly ipAddress: string;
  /** With MOVED: the address before. Empty: unknown. */
  readonly previousIpAddress: string;
  /** Empty: not stated. */
  readonly clientId: string;
}

/**
 * `GET /password`. Form `POST /password`: `csrf`, `current_password`, `new_password`, `repeat_password`. Passwords are
 * never sent back to the browser.
 */
export interface ChangePasswordView {
  readonly page: PageView;
  /** What the service says about the new password, in English. Empty: nothing. Show it beside the field. */
  readonly newPasswordProblem: string;
}

/**
 * The session of this browser ended while a form was being filled in. The page says why, shows what was typed so that
 * nothing is lost (never passwords), and links to `/sign-in?next=<next>`.
 */
export interface SessionEndedView {
  readonly page: PageView;
  readonly ended: SessionEndView;
  readonly next: string;
  readonly kept: readonly { readonly name: string; readonly value: string }[];
}

/** A page that says what was wrong and what to do. */
export interface MessageView {
  readonly page: PageView;
  readonly code: MessageCode;
  readonly status: number;
  /** When a repeat makes sense. Undefined: it does at once, or never. */
  readonly retryAfterSeconds: number | undefined;
  /** Identifies the fault in the log. Empty: none. */
  readonly requestId: string;
}

/** What a message page says. */
export type MessageCode =
  /** 404: there is no such page. */
  | 'not-found'
  /** 400: the request is malformed, or sends one of our cookies twice. */
  | 'bad-request'
  /** 403: the form is too old, or comes from another site or browser. Reload and try again. */
  | 'csrf-refused'
  /** 413. */
  | 'too-large'
  /** 415. */
  | 'unsupported-type'
  /** 429. */
  | 'too-many-requests'
  /** 500: the tokens are too large for a cookie. An operator must give the user fewer roles. */
  | 'token-too-large'
  /** 503: the service is unavailable. The user stays signed in. */
  | 'service-unavailable'
  /** 500. */
  | 'internal';

/** `GET /api`: the OpenAPI document (`/openapi.json`) for people. */
export interface ApiDocumentView {
  readonly page: PageView;
  readonly title: string;
  readonly version: string;
  readonly operations: readonly OperationView[];
}

export interface OperationView {
  /** In capitals. */
  readonly method: string;
  readonly path: string;
  readonly tag: string;
  /** In English, as in the document. */
  readonly summary: string;
  readonly description: string;
  readonly fields: readonly {
    readonly name: string;
    readonly type: string;
    readonly isRequired: boolean;
    readonly description: string;
  }[];
  readonly responses: readonly { readonly status: string; readonly description: string }[];
}

/** A style sheet, script or image, served without credentials and cached for ever under a path with a hash. */
export interface Asset {
  /** `/assets/<name>.<hash>.<ending>` */
  readonly path: string;
  readonly contentType: string;
  readonly body: string | Buffer;
}
