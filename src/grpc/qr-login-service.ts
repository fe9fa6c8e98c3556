import type { QrTickets, TicketCaller } from '../core/sign-in/qr-tickets.ts';
import type { TicketRedemption } from '../core/sign-in/ticket-redemption.ts';
import type { TicketWatchers } from '../core/sign-in/ticket-watchers.ts';
import { type UserDirectory, usernameOf } from '../core/user/user-directory.ts';
import {
  ApproveTicketRequest,
  ApproveTicketResponse,
  CreateTicketRequest,
  CreateTicketResponse,
  DenyTicketRequest,
  DenyTicketResponse,
  QrLoginServiceService,
  RedeemTicketRequest,
  RedeemTicketResponse,
  ScanTicketRequest,
  ScanTicketResponse,
  WatchTicketRequest,
} from '../gen/latchkey/v1/qr_login.ts';
import { type Call, signedInCaller } from './call.ts';
import { checkNewSession } from './identity-fields.ts';
import {
  type CallerCheck,
  type CallerTokens,
  type FrontAuth,
  frontCheck,
  signedInCallers,
} from './interceptors/caller-auth.ts';
import { deviceOf } from './messages/session-message.ts';
import { createdTicketMessage, redemptionMessage, scannedTicketMessage } from './messages/ticket-message.ts';
import {
  checkApproveTicket,
  checkRedeemTicket,
  checkTicketSecret,
  checkTicketStep,
} from './qr-login-fields.ts';
import { serverStreamingService } from './server-streaming.ts';
import type { CallEnvironment, ServiceRegistration } from './service-registration.ts';
import { TicketStream } from './ticket-stream.ts';
import { unaryService } from './unary.ts';
import { limitedNetwork, userAddress } from './user-address.ts';

/** The core services behind QrLoginService. */
export interface QrLoginCore {
  readonly tickets: Pick<QrTickets, 'create' | 'scan' | 'approve' | 'deny'>;
  readonly redemption: Pick<TicketRedemption, 'redeem'>;
  readonly watchers: Pick<TicketWatchers, 'watch'>;
  readonly users: Pick<UserDirectory, 'findById'>;
}

/** Which callers may call. */
export interface QrLoginCallers {
  readonly tokens: CallerTokens;
  /** Who may state an `origin`. */
  readonly frontAuth: FrontAuth;
}

/** `latchkey.v1.QrLoginService`. The secret of a ticket proves its asker, an access token the approver. */
export function qrLoginService(
  core: QrLoginCore,
  { tokens, frontAuth }: QrLoginCallers,
  environment: CallEnvironment,
): ServiceRegistration {
  const { tickets, redemption } = core;
  const callers = signedInCallers(tokens);
  const checkFront = frontCheck(frontAuth, tokens);
  const { watchTicket, ...definition } = QrLoginServiceService;
  const unary = unaryService(
    definition,
    {
      createTicket: {
        request: CreateTicketRequest,
        response: CreateTicketResponse,
        check: checkNewSession,
        handle: (request, call) => createTicket(tickets, request, call, checkFront),
      },
      scanTicket: {
        request: ScanTicketRequest,
        response: ScanTicketResponse,
        callers,
        check: checkTicketStep,
        handle: (request, call) => scanTicket(core, request, call, checkFront),
      },
      approveTicket: {
        request: ApproveTicketRequest,
        response: ApproveTicketResponse,
        callers,
        check: checkApproveTicket,
        handle: (request, call) => approveTicket(tickets, request, call, checkFront),
      },
      denyTicket: {
        request: DenyTicketRequest,
        response: DenyTicketResponse,
        callers,
        check: checkTicketStep,
        handle: (request, call) => denyTicket(tickets, request, call, checkFront),
      },
      redeemTicket: {
        request: RedeemTicketRequest,
        response: RedeemTicketResponse,
        check: checkRedeemTicket,
        handle: async (request) => redemptionMessage(await redemption.redeem(request)),
      },
    },
    environment,
  );
  const streaming = serverStreamingService(
    { watchTicket },
    {
      watchTicket: {
        request: WatchTicketRequest,
        check: checkTicketSecret,
        handle: (request, call) => new TicketStream(core.watchers, call, request).run(),
      },
    },
    environment,
  );
  return {
    ...streaming,
    definition: { ...unary.definition, ...streaming.definition },
    implementation: { ...unary.implementation, ...streaming.implementation },
  };
}

async function createTicket(
  tickets: QrLoginCore['tickets'],
  request: CreateTicketRequest,
  call: Call,
  checkFront: CallerCheck,
): Promise<CreateTicketResponse> {
  const ipAddress = await userAddress(request, call, checkFront);
  const { clientId, labels } = request;
  const device = deviceOf(request.device);
  const network = limitedNetwork(request, ipAddress);
  return createdTicketMessage(await tickets.create({ clientId, device, ipAddress, network, labels }));
}

async function scanTicket(
  { tickets, users }: QrLoginCore,
  request: ScanTicketRequest,
  call: Call,
  checkFront: CallerCheck,
): Promise<ScanTicketResponse> {
  const caller = callerOf(call);
  const network = limitedNetwork(request, await userAddress(request, call, checkFront));
  const scanned = await tickets.scan(request.ticketId, caller, network);
  return scannedTicketMessage(scanned, await usernameOf(users, caller.userId));
}

async function approveTicket(
  tickets: QrLoginCore['tickets'],
  request: ApproveTicketRequest,
  call: Call,
  checkFront: CallerCheck,
): Promise<ApproveTicketResponse> {
  const caller = callerOf(call);
  const ipAddress = await userAddress(request, call, checkFront);
  const { expiresAt } = await tickets.approve(request.ticketId, caller, request.digits, ipAddress);
  return { expiresAt: new Date(expiresAt) };
}

async function denyTicket(
  tickets: QrLoginCore['tickets'],
  request: DenyTicketRequest,
  call: Call,
  checkFront: CallerCheck,
): Promise<DenyTicketResponse> {
  const caller = callerOf(call);
  await tickets.deny(request.ticketId, caller, await userAddress(request, call, checkFront));
  return {};
}

/** Call it before the front is checked, which may be another caller: the holder of a certificate. */
function callerOf(call: Call): TicketCaller {
  const { userId, sessionId, clientId } = signedInCaller(call);
  return { kind: 'caller', userId, sessionId, clientId };
}
