import { credentials, type ServiceError } from '@grpc/grpc-js';
import type { SignedIn } from '../../src/gen/latchkey/v1/identity.ts';
import {
  type CreateTicketResponse,
  QrLoginServiceClient,
  type TicketState,
  type WatchTicketResponse,
} from '../../src/gen/latchkey/v1/qr_login.ts';
import { call, type Outcome } from '../grpc/support/unary-call.ts';
import { eventually } from './eventually.ts';

const DEVICE = { deviceId: 'd-1', name: 'Firefox on Linux', platform: 'Linux' };

/** A device that shows a ticket and watches it. */
export class QrDesktop {
  static readonly credentials = credentials.createInsecure();
  readonly created: CreateTicketResponse;
  readonly states: WatchTicketResponse[] = [];
  /** When each state came, by `performance.now`. */
  readonly times: number[] = [];
  readonly #client: QrLoginServiceClient;
  readonly #stream: ReturnType<QrLoginServiceClient['watchTicket']>;

  private constructor(client: QrLoginServiceClient, created: CreateTicketResponse) {
    this.#client = client;
    this.created = created;
    const { ticketId, redeemSecret } = created;
    this.#stream = client.watchTicket({ ticketId, redeemSecret });
    this.#stream.on('data', (state: WatchTicketResponse) => {
      this.states.push(state);
      this.times.push(performance.now());
    });
    this.#stream.on('error', (_error: ServiceError) => undefined);
  }

  /** @param shared a client to use; default: one of its own. */
  static async open(
    address: string,
    shared = new QrLoginServiceClient(address, QrDesktop.credentials),
  ): Promise<QrDesktop> {
    const request = { clientId: 'web', device: DEVICE, origin: undefined, labels: {} };
    const desktop = new QrDesktop(shared, orThrow(await call(shared, shared.createTicket, request)));
    await eventually(() => desktop.states.length > 0);
    return desktop;
  }

  get ticketId(): string {
    return this.created.ticketId;
  }

  get last(): WatchTicketResponse | undefined {
    return this.states.at(-1);
  }

  get digits(): string {
    return this.last?.digits ?? '';
  }

  async sees(state: TicketState): Promise<void> {
    await eventually(() => this.states.some((seen) => seen.state === state));
  }

  /** Throws unless the ticket is approved. */
  async signedIn(at = this.#client): Promise<SignedIn> {
    const { ticketId, redeemSecret } = this.created;
    const request = { ticketId, redeemSecret, endSessionId: '' };
    const { outcome } = orThrow(await call(at, at.redeemTicket, request));
    if (at !== this.#client) at.close();
    if (outcome?.$case !== 'signedIn') throw new Error(`not signed in: ${outcome?.$case}`);
    return outcome.value;
  }

  close(): void {
    this.#stream.cancel();
    this.#client.close();
  }
}

/** A device that is signed in. */
export class QrPhone {
  readonly #client: QrLoginServiceClient;
  readonly #options: { readonly metadata: Readonly<Record<string, string>> };

  constructor(address: string, accessToken: string) {
    this.#client = new QrLoginServiceClient(address, credentials.createInsecure());
    this.#options = { metadata: { authorization: `Bearer ${accessToken}` } };
  }

  async scan(ticketId: string) {
    const request = { ticketId, origin: undefined };
    return orThrow(await call(this.#client, this.#client.scanTicket, request, this.#options));
  }

  async approve(ticketId: string, digits: string) {
    const request = { ticketId, digits, origin: undefined };
    return orThrow(await call(this.#client, this.#client.approveTicket, request, this.#options));
  }

  close(): void {
    this.#client.close();
  }
}

function orThrow<Response>(outcome: Outcome<Response>): Response {
  if ('ok' in outcome) return outcome.ok;
  throw new Error(outcome.reason);
}
