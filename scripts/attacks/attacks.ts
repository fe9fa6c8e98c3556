import { randomBytes } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { UserServiceService } from '../../src/gen/latchkey/admin/v1/user.ts';
import {
  BatchValidateRequest,
  IdentityServiceService,
  LoginRequest,
} from '../../src/gen/latchkey/v1/identity.ts';
import { grpcFrame } from '../http2/frames.ts';

/** One call that is repeated. */
export interface Attack {
  readonly name: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[]>>;
  readonly body: Buffer;
  /** The work is the purpose of the rpc: it is measured, but has no bar. */
  readonly isLegitimate?: boolean;
}

/** The largest request that the service accepts. */
const LARGEST = 272 * 1024;
/** The largest request of any rpc but BatchValidate. */
const SMALL = 16 * 1024;
/** How many header bytes a server accepts for one call, minus those that every call needs. */
const HEADER_BYTES = 60_000;
/** Longer headers are not indexed. */
const ENTRY_BYTES = 3_000;

const { validate, batchValidate, login } = IdentityServiceService;
const { listUsers } = UserServiceService;
const HEALTH = '/grpc.health.v1.Health/Check';
/** On by default only in development. */
const REFLECTION = '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo';

/** @param keyId of a signing key, so that signatures are verified. */
export function attacks(keyId: string): readonly Attack[] {
  return [
    ...compressed(keyId),
    ...manyFields(),
    ...manyTokens(keyId),
    ...metadata(),
    {
      name: '3,000 empty messages in one call',
      path: validate.path,
      headers: {},
      body: Buffer.alloc(5 * 3_000),
    },
    {
      name: '3,000 empty messages in one call, reflection',
      path: REFLECTION,
      headers: {},
      body: Buffer.alloc(5 * 3_000),
    },
    {
      name: 'Login with a password of combining marks',
      path: login.path,
      headers: {},
      body: grpcFrame(
        LoginRequest.encode({
          username: 'admin',
          password: `a${'\u0316\u0301'.repeat(1_535)}`,
          clientId: '',
          device: undefined,
          origin: undefined,
          deviceToken: '',
          labels: {},
          endSessionId: '',
        }).finish(),
      ),
    },
  ];
}

/** A few hundred bytes each, before decompression. */
function compressed(keyId: string): readonly Attack[] {
  const tokens = repeated('0a00', LARGEST);
  const unknown = repeated('7a00', LARGEST);
  return [
    gzipped('gzip of tiny fields, Validate', validate.path, unknown),
    gzipped('gzip of tiny fields, ListUsers without a token', listUsers.path, unknown),
    gzipped('gzip of empty tokens, BatchValidate', batchValidate.path, tokens),
    gzipped('gzip of tiny fields, health', HEALTH, unknown),
    gzipped('gzip of 64 MiB, Validate', validate.path, Buffer.alloc(64 * 1024 * 1024)),
    gzipped('gzip of 256 equal bad tokens', batchValidate.path, batch(equalTokens(keyId))),
  ];
}

function manyFields(): readonly Attack[] {
  return [
    plain('largest request of tiny fields, Validate', validate.path, repeated('7a00', LARGEST)),
    plain('16 KiB of tiny fields, Validate', validate.path, repeated('7a00', SMALL)),
    plain('16 KiB of nested groups, Validate', validate.path, repeated('7b7c', SMALL)),
    plain('16 KiB of devices, Login', login.path, repeated('220412002200', SMALL)),
    plain('16 KiB of tiny fields, ListUsers without a token', listUsers.path, repeated('7a00', SMALL)),
    plain('largest request of empty tokens, BatchValidate', batchValidate.path, repeated('0a00', LARGEST)),
    plain('16 KiB of tiny fields, health', HEALTH, repeated('0a00', SMALL)),
  ];
}

/** Large only after HPACK decoding: a repeated header takes one byte (RFC 7541, section 2.3.2). */
function metadata(): readonly Attack[] {
  const long = (character: string) =>
    Array.from({ length: HEADER_BYTES / ENTRY_BYTES }, () => character.repeat(ENTRY_BYTES));
  const many = Array.from({ length: 100 }, (_, index) => [`k${index}`, '']);
  const headers = [
    ['60,000 commas of binary metadata', { 'x-bin': long(',') }],
    ['60,000 bytes of text metadata', { 'x-text': long('a') }],
    ['60,000 digits of grpc-timeout', { 'grpc-timeout': long('1') }],
    ['100 metadata entries', Object.fromEntries(many)],
  ] as const;
  return headers.map(([name, sent]) => ({
    name,
    path: validate.path,
    headers: sent,
    body: grpcFrame(Buffer.alloc(0)),
  }));
}

function manyTokens(keyId: string): readonly Attack[] {
  const different = Array.from({ length: 256 }, () => badToken(keyId, badSignature()));
  const largest = Array.from({ length: 256 }, () => 'x'.repeat(1_020));
  return [
    plain('256 equal bad tokens', batchValidate.path, batch(equalTokens(keyId))),
    { ...plain('256 different bad tokens', batchValidate.path, batch(different)), isLegitimate: true },
    plain('256 tokens that are none, 255 KiB', batchValidate.path, batch(largest)),
  ];
}

function equalTokens(keyId: string): readonly string[] {
  return Array.from({ length: 256 }, () => badToken(keyId, 'A'.repeat(86)));
}

/** Its second half is below the order of the group. Larger numbers are refused before any computation. */
function badSignature(): string {
  return Buffer.concat([randomBytes(63), Buffer.of(0)]).toString('base64url');
}

/** A token with a valid header and an invalid signature, which must be verified to be rejected. */
function badToken(kid: string, signature: string): string {
  const header = Buffer.from(JSON.stringify({ alg: 'EdDSA', kid, typ: 'at+jwt' })).toString('base64url');
  return `${header}.e30.${signature}`;
}

function batch(accessTokens: readonly string[]): Buffer {
  const request = { accessTokens, consistency: 0, audience: '', atLeastRevision: '' } as const;
  return Buffer.from(BatchValidateRequest.encode(request).finish());
}

function repeated(hex: string, bytes: number): Buffer {
  return Buffer.alloc(bytes - (bytes % (hex.length / 2)), hex, 'hex');
}

function plain(name: string, path: string, message: Buffer): Attack {
  return { name, path, headers: {}, body: grpcFrame(message) };
}

function gzipped(name: string, path: string, message: Buffer): Attack {
  const body = grpcFrame(gzipSync(message, { level: 9 }));
  body.writeUInt8(1, 0);
  return { name, path, headers: { 'grpc-encoding': 'gzip' }, body };
}
