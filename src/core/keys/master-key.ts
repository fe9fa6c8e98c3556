import { createHash, hkdfSync } from 'node:crypto';

/** The keys derived from one master key, 32 bytes each. */
export interface DerivedKeys {
  /** 8 hex digits that identify the master key in sealed data. They reveal nothing about it. */
  readonly id: string;
  /** Encrypts private signing keys. */
  readonly sealing: Buffer;
  /** Authenticates refresh tokens. */
  readonly refreshMac: Buffer;
  /** Authenticates device tokens. */
  readonly deviceMac: Buffer;
  /** The pepper of every password hash. */
  readonly pepper: Buffer;
  /** Hashes the networks of sign-in attempts. */
  readonly attemptHash: Buffer;
}

const DERIVED_BYTES = 32;

/** Minimum length of a master key. */
export const MASTER_KEY_MIN_BYTES = 32;

/** The master keys, newest first. The newest one is used for new data. The others only read existing data. */
export class MasterKeys {
  readonly newest: DerivedKeys;
  readonly all: readonly DerivedKeys[];

  /** Throws RangeError for an empty list or a key under 32 bytes. The configuration checks both earlier. */
  constructor(keys: readonly Buffer[]) {
    this.all = keys.map(derive);
    const [newest] = this.all;
    if (newest === undefined) throw new RangeError('At least one master key is required.');
    this.newest = newest;
  }

  byId(id: string): DerivedKeys | undefined {
    return this.all.find((keys) => keys.id === id);
  }
}

/** HKDF-SHA-256 (RFC 5869) without salt, because the master key is random already. The label separates the uses. */
function derive(masterKey: Buffer): DerivedKeys {
  if (masterKey.length < MASTER_KEY_MIN_BYTES) {
    throw new RangeError(`A master key must be at least ${MASTER_KEY_MIN_BYTES} bytes.`);
  }
  const labelled = (label: string) =>
    Buffer.from(hkdfSync('sha256', masterKey, Buffer.alloc(0), `latchkey/${label}`, DERIVED_BYTES));
  return {
    id: createHash('sha256').update(labelled('key-id')).digest('hex').slice(0, 8),
    sealing: labelled('signing-key-sealing'),
    refreshMac: labelled('refresh-mac'),
    deviceMac: labelled('device-mac'),
    pepper: labelled('password-pepper'),
    attemptHash: labelled('login-attempts'),
  };
}
