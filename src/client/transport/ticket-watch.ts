import {
  QrLoginServiceService,
  TicketDenial,
  TicketState,
  type WatchTicketResponse,
} from '../../gen/latchkey/v1/qr_login.ts';
import { bearer } from './calls.ts';
import type { Watched, WatchOptions } from './open-watch.ts';
import type { NamesOf } from './option-names.ts';
import type { WatchInterrupted } from './session-events.ts';
import { nameOf } from './validation-message.ts';

/**
 * The state of a ticket: a name of the contract's `TicketState`. `UNSPECIFIED`: a newer service sent a state that this
 * client does not know.
 *
 * @example
 * const isFinal = (state: TicketStateName) => ['REDEEMED', 'DENIED', 'EXPIRED'].includes(state);
 */
export type TicketStateName = keyof typeof TicketState;

/**
 * Why a ticket was denied: a name of the contract's `TicketDenial`. `UNSPECIFIED`: it was not denied.
 *
 * @example
 * const isGuess = (denial: TicketDenialName) => denial === 'WRONG_DIGITS';
 */
export type TicketDenialName = keyof typeof TicketDenial;

/**
 * A new state of a ticket. REDEEMED, DENIED and EXPIRED are final: nothing follows.
 *
 * @example
 * const textOf = ({ state, digits }: TicketChange) => (state === 'SCANNED' ? `Type ${digits} on the phone.` : state);
 */
export interface TicketChange {
  readonly kind: 'state';
  readonly state: TicketStateName;
  readonly denial: TicketDenialName;
  /** The two digits to show. Empty until the ticket is scanned, and in a final state. */
  readonly digits: string;
  /** When the ticket expires, or did, by the service's clock. */
  readonly expiresAt: Date;
}

/**
 * An event of `watchTicket`.
 *
 * @example
 * const isApproved = (event: TicketWatchEvent) => event.kind === 'state' && event.state === 'APPROVED';
 */
export type TicketWatchEvent = TicketChange | WatchInterrupted;

/**
 * Options of `watchTicket`.
 *
 * @example
 * const { ticketId, redeemSecret } = await latchkey.qrLogin.createTicket({});
 * const options: WatchTicketOptions = { ticketId, redeemSecret };
 */
export interface WatchTicketOptions extends WatchOptions {
  readonly ticketId: string;
  /** The secret that came with the ticket. */
  readonly redeemSecret: string;
}

/**
 * The events of one ticket, as returned by `watchTicket`. An iterator that is slow gets only the latest event.
 *
 * @example
 * const { ticketId, redeemSecret } = await latchkey.qrLogin.createTicket({});
 * const watch: TicketWatch = latchkey.watchTicket({ ticketId, redeemSecret });
 * watch.close();
 */
export interface TicketWatch extends AsyncIterable<TicketWatchEvent> {
  /** Ends the watch. Iterators end without a further event. */
  close(): void;
}

export const TICKET_WATCH_OPTIONS: NamesOf<WatchTicketOptions> = {
  ticketId: true,
  redeemSecret: true,
  signal: true,
};
const FINAL: ReadonlySet<TicketStateName> = new Set(['REDEEMED', 'DENIED', 'EXPIRED']);

/** A watch of a ticket. Its stream has no heartbeats: keepalive finds a lost connection. */
export function watchedTicket(options: WatchTicketOptions): Watched<TicketChange, WatchTicketResponse> {
  return {
    method: 'WatchTicket',
    token: undefined,
    canRenewToken: false,
    silenceMs: undefined,
    open: (client) => {
      const { path, requestSerialize, responseDeserialize } = QrLoginServiceService.watchTicket;
      const { ticketId, redeemSecret } = options;
      const request = { ticketId, redeemSecret };
      return client.makeServerStreamRequest(
        path,
        requestSerialize,
        responseDeserialize,
        request,
        bearer(undefined),
      );
    },
    eventOf: changeOf,
    endOfError: () => undefined,
    isLast: (event) => event.kind === 'state' && FINAL.has(event.state),
    isSame: isSameChange,
  };
}

function changeOf({ state, denial, digits, expiresAt }: WatchTicketResponse): TicketChange {
  return {
    kind: 'state',
    state: nameOf(TicketState, state) ?? 'UNSPECIFIED',
    denial: nameOf(TicketDenial, denial) ?? 'UNSPECIFIED',
    digits,
    expiresAt: expiresAt ?? new Date(0),
  };
}

function isSameChange(event: TicketWatchEvent, latest: TicketWatchEvent): boolean {
  if (event.kind === 'interrupted' || latest.kind === 'interrupted') return event.kind === latest.kind;
  return (
    event.state === latest.state &&
    event.denial === latest.denial &&
    event.digits === latest.digits &&
    event.expiresAt.getTime() === latest.expiresAt.getTime()
  );
}
