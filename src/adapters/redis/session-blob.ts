import type { Session } from '../../core/session/session.ts';
import { addressBytes, addressText } from './address-bytes.ts';
import { packText, unpackText } from './blob-text.ts';
import { uuidBytes, uuidText } from './packed-id.ts';

/** What never changes of a session, besides its ids. */
export type FixedPart = Pick<Session, 'clientId' | 'device' | 'ipAddress' | 'authenticationMethods'>;

/** A hash stays in Redis' compact form only while no value is longer than this; one longer doubles its memory. */
const COMPACT_VALUE_BYTES = 64;
/** The record has one packed character for their number. The contract's limits on texts come to a quarter of it. */
const MOST_PIECES = 63;

/** Bits of the second byte: what comes as bytes before the text. */
const HAS_UUID = 1;
const HAS_IPV4 = 2;
const HAS_IPV6 = 4;
const HEAD_BYTES = 2;
const UUID_BYTES = 16;
const IPV4_BYTES = 4;
const IPV6_BYTES = 16;
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const NOTHING = Buffer.alloc(0);

/**
 * The fixed part as base64url, in pieces of a compact value's length. Its bytes: the form of the text; what follows
 * as bytes; the device id in 16 bytes if it is a UUID; the address in 4 or 16 if it is one; the text with all the rest.
 */
export function encodeFixed({ clientId, device, ipAddress, authenticationMethods }: FixedPart): string[] {
  const uuid = UUID.test(device.deviceId) ? uuidBytes(device.deviceId) : NOTHING;
  const address = addressBytes(ipAddress);
  const { form, bytes } = packText([
    device.name,
    device.platform,
    clientId,
    authenticationMethods,
    uuid.length === 0 ? device.deviceId : '',
    address.length === 0 ? ipAddress : '',
  ]);
  const bits = (uuid.length === 0 ? 0 : HAS_UUID) | addressBit(address.length);
  return piecesOf(Buffer.concat([Buffer.of(form, bits), uuid, address, bytes]).toString('base64url'));
}

export function decodeFixed(pieces: readonly string[]): FixedPart {
  const blob = Buffer.from(pieces.join(''), 'base64url');
  const [form = 0, bits = 0] = blob;
  const addressAt = HEAD_BYTES + ((bits & HAS_UUID) === 0 ? 0 : UUID_BYTES);
  const textAt = addressAt + addressLength(bits);
  const text = unpackText({ form, bytes: blob.subarray(textAt) });
  const [name, platform, clientId, authenticationMethods, deviceId, ipAddress] = text;
  return {
    clientId,
    device: {
      deviceId: addressAt === HEAD_BYTES ? deviceId : uuidText(blob.subarray(HEAD_BYTES, addressAt)),
      name,
      platform,
    },
    ipAddress: textAt === addressAt ? ipAddress : addressText(blob.subarray(addressAt, textAt)),
    authenticationMethods,
  };
}

function addressBit(length: number): number {
  if (length === 0) return 0;
  return length === IPV4_BYTES ? HAS_IPV4 : HAS_IPV6;
}

function addressLength(bits: number): number {
  if ((bits & HAS_IPV4) !== 0) return IPV4_BYTES;
  return (bits & HAS_IPV6) === 0 ? 0 : IPV6_BYTES;
}

function piecesOf(text: string): string[] {
  const found: string[] = [];
  for (let from = 0; from < text.length; from += COMPACT_VALUE_BYTES) {
    found.push(text.slice(from, from + COMPACT_VALUE_BYTES));
  }
  if (found.length > MOST_PIECES) throw new RangeError(`a session of ${text.length} characters is too long`);
  return found;
}
