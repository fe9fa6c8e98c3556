import { type SigningKey, SigningKeyState } from '../../gen/latchkey/admin/v1/key.ts';

/** A signing key as the domain describes it, without its private half. Times are milliseconds since 1970. */
export interface SigningKeyInfo {
  readonly keyId: string;
  readonly algorithm: string;
  readonly state: 'PUBLISHED' | 'SIGNING' | 'RETIRING';
  readonly createdAt: number;
  readonly signsFrom: number;
  readonly signsUntil?: number | undefined;
  readonly publishedUntil?: number | undefined;
}

export function signingKeyMessage(key: SigningKeyInfo): SigningKey {
  return {
    keyId: key.keyId,
    algorithm: key.algorithm,
    state: SigningKeyState[key.state],
    createdAt: new Date(key.createdAt),
    signsFrom: new Date(key.signsFrom),
    signsUntil: instant(key.signsUntil),
    publishedUntil: instant(key.publishedUntil),
  };
}

function instant(ms: number | undefined): Date | undefined {
  return ms === undefined ? undefined : new Date(ms);
}
