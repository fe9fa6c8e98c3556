import {
  TICKET_DENIALS,
  TICKET_STATES,
  type Ticket,
  type TicketDenial,
  type TicketState,
} from '../../core/sign-in/qr-ticket.ts';
import { timeOf } from './stored-values.ts';

const FORMAT = '1';

type Fields = Readonly<Record<string, string>>;

/** The fields of a ticket's hash; `scripts/ticket.lua` describes them. */
export function formatTicket(ticket: Ticket): Fields {
  const { device, approver } = ticket;
  return {
    format: FORMAT,
    state: ticket.state,
    denial: ticket.denial ?? '',
    secret: ticket.secretHash,
    created_at: String(ticket.createdAt),
    expires_at: String(ticket.expiresAt),
    client_id: ticket.clientId,
    device_id: device.deviceId,
    device_name: device.name,
    platform: device.platform,
    ip_address: ticket.ipAddress,
    network: ticket.network,
    labels: JSON.stringify(ticket.labels),
    approver_user: approver?.userId ?? '',
    approver_session: approver?.sessionId ?? '',
    digits: ticket.digits,
    decided_at: String(ticket.decidedAt),
    security_version: String(ticket.securityVersion),
    session_id: ticket.sessionId,
    redeemed_at: String(ticket.redeemedAt),
    poll_interval: String(ticket.pollIntervalMs),
    poll_from: String(ticket.pollFrom),
  };
}

/** Undefined: there is no such ticket, or it is damaged. */
export function parseTicket(ticketId: string, fields: Fields): Ticket | undefined {
  const text = (name: string) => fields[name] ?? '';
  const numbers = {
    createdAt: timeOf(text('created_at')),
    expiresAt: timeOf(text('expires_at')),
    decidedAt: timeOf(text('decided_at')),
    securityVersion: timeOf(text('security_version')),
    redeemedAt: timeOf(text('redeemed_at')),
    pollIntervalMs: timeOf(text('poll_interval')),
    pollFrom: timeOf(text('poll_from')),
  };
  const labels = labelsOf(text('labels'));
  const state = text('state');
  if (text('format') !== FORMAT || labels === undefined || !isState(state) || !areNumbers(numbers)) {
    return undefined;
  }
  const approver = { userId: text('approver_user'), sessionId: text('approver_session') };
  const denial = text('denial');
  return {
    ticketId,
    state,
    labels,
    ...numbers,
    secretHash: text('secret'),
    denial: isDenial(denial) ? denial : undefined,
    clientId: text('client_id'),
    device: { deviceId: text('device_id'), name: text('device_name'), platform: text('platform') },
    ipAddress: text('ip_address'),
    network: text('network'),
    approver: approver.userId === '' ? undefined : approver,
    digits: text('digits'),
    sessionId: text('session_id'),
  };
}

type Numbers = Pick<
  Ticket,
  'createdAt' | 'expiresAt' | 'decidedAt' | 'securityVersion' | 'redeemedAt' | 'pollIntervalMs' | 'pollFrom'
>;

function areNumbers(numbers: Readonly<Record<keyof Numbers, number | undefined>>): numbers is Numbers {
  return Object.values(numbers).every((value) => value !== undefined);
}

function isState(text: string): text is TicketState {
  return (TICKET_STATES as readonly string[]).includes(text);
}

function isDenial(text: string): text is TicketDenial {
  return (TICKET_DENIALS as readonly string[]).includes(text);
}

function labelsOf(text: string): Fields | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null) return undefined;
    return Object.fromEntries(Object.entries(value).map(([key, label]) => [key, String(label)]));
  } catch {
    return undefined;
  }
}
