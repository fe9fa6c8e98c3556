import { createHash, hkdfSync } from 'node:crypto';

/** What is derived from one master key, 32 bytes each. */
export interface DerivedKeys {
  /** 8 hex digits that name the master key in what was sealed under it; they tell nothing about it. */
  readonly id: string;
  /** Seals private signing keys. */
  readonly sealing: Buffer;
  /** Authenticates refresh tokens. */
  readonly refreshMac: Buffer;
  /** Goes into every password hash. */
  readonly pepper: Buffer;
}

const DERIVED_BYTES = 32;

/** The shortest master key there may be. */
export const MASTER_KEY_MIN_BYTES = 32;

/** The master keys, newest first. The newest makes what is new; the others still open what they made. */
export class MasterKeys {
  readonly newest: DerivedKeys;
  readonly all: readonly DerivedKeys[];

  /** Throws RangeError without a key, or for one under 32 bytes: the configuration has checked that. */
  constructor(keys: readonly Buffer[]) {
    this.all = keys.map(derive);
    const [newest] = this.all;
    if (newest === undefined) throw new RangeError('There must be a master key.');
    this.newest = newest;
  }

  byId(id: string): DerivedKeys | undefined {
    return this.all.find((keys) => keys.id === id);
  }
}

/** HKDF-SHA-256 (RFC 5869) without salt: the master key is random already; the label keeps the uses apart. */
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
    pepper: labelled('password-pepper'),
  };
}
