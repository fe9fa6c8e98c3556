import type { FieldIssues } from '../core/field-issues.ts';
import { DIGITS, RANDOM_ID, RANDOM_SECRET } from '../core/sign-in/random-secrets.ts';
import type {
  ApproveTicketRequest,
  DenyTicketRequest,
  RedeemTicketRequest,
  ScanTicketRequest,
  WatchTicketRequest,
} from '../gen/latchkey/v1/qr_login.ts';
import { checkEndSessionId, checkOrigin } from './identity-fields.ts';

export function checkTicketStep(
  { ticketId, origin }: ScanTicketRequest | DenyTicketRequest,
  issues: FieldIssues,
): void {
  checkTicketId(ticketId, issues);
  checkOrigin(origin, issues);
}

/** Digits in a wrong form are INVALID_FIELD and do not end the ticket: the user may have typed only one. */
export function checkApproveTicket(request: ApproveTicketRequest, issues: FieldIssues): void {
  checkTicketStep(request, issues);
  if (!DIGITS.test(request.digits))
    issues.add('digits', 'must be the two digits that the other device shows');
}

export function checkTicketSecret({ ticketId, redeemSecret }: WatchTicketRequest, issues: FieldIssues): void {
  checkTicketId(ticketId, issues);
  if (!RANDOM_SECRET.test(redeemSecret)) {
    issues.add('redeem_secret', 'must be the redeem_secret of CreateTicketResponse');
  }
}

export function checkRedeemTicket(request: RedeemTicketRequest, issues: FieldIssues): void {
  checkTicketSecret(request, issues);
  checkEndSessionId(request.endSessionId, issues);
}

function checkTicketId(ticketId: string, issues: FieldIssues): void {
  if (!RANDOM_ID.test(ticketId)) issues.add('ticket_id', 'must be a ticket id: 22 characters of base64url');
}
