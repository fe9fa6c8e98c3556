import type { FastifyRequest } from 'fastify';
import {
  type Clock,
  type ConnectOptions,
  connect,
  type LatchkeyClient,
  type Origin,
} from '../client/index.ts';
import { addressOf } from './browser/address.ts';
import type { ServiceConfig } from './config/bff-config.ts';
import { readFileOf, readKeyPair } from './config/files.ts';

const KEY_PAIR_VARIABLES = {
  certificate: 'LATCHKEY_BFF_SERVICE_CERT',
  privateKey: 'LATCHKEY_BFF_SERVICE_KEY',
};

/** How the service knows that this program is a front. */
export type FrontKind =
  /** It does not: all browsers have the address of this program. */
  | 'none'
  /** By the access token of its account. Calls with the token of a user are not those of a front. */
  | 'account'
  /** By its certificate, on every call. */
  | 'certificate';

/** Connects to the service. @throws Error if the addresses or a file cannot be used; the message names it. */
export function connectTo(service: ServiceConfig, clock: Clock): LatchkeyClient {
  const { addresses, account } = service;
  const options: ConnectOptions = { credentials: credentialsOf(service), clock };
  return connect(addresses, account === undefined ? options : { ...options, serviceAccount: account });
}

function credentialsOf({ isPlaintext, ca, clientKeyPair }: ServiceConfig) {
  if (isPlaintext) return { kind: 'plaintext' } as const;
  const authority = ca === undefined ? {} : { ca: readFileOf('LATCHKEY_BFF_SERVICE_CA', ca) };
  if (clientKeyPair === undefined) return { kind: 'tls', ...authority } as const;
  return { kind: 'mtls', ...authority, ...readKeyPair(KEY_PAIR_VARIABLES, clientKeyPair) } as const;
}

/** A certificate wins over an account. */
export function frontKindOf({ clientKeyPair, account }: ServiceConfig): FrontKind {
  if (clientKeyPair !== undefined) return 'certificate';
  return account === undefined ? 'none' : 'account';
}

/** States the addresses of browsers to the service, where it accepts that. */
export class Front {
  readonly #kind: FrontKind;

  constructor(kind: FrontKind) {
    this.#kind = kind;
  }

  /** For calls that this program makes in its own name: sign-in, refresh, a new QR code. */
  ownOrigin(request: FastifyRequest): Origin | undefined {
    return this.#kind === 'none' ? undefined : originOf(request);
  }

  /** For calls with the token of a user. */
  userOrigin(request: FastifyRequest): Origin | undefined {
    return this.#kind === 'certificate' ? originOf(request) : undefined;
  }
}

function originOf({ ip }: FastifyRequest): Origin | undefined {
  const ipAddress = addressOf(ip);
  return ipAddress === undefined ? undefined : { ipAddress };
}
