import type { SigningKeyInfo } from '../../core/keys/key-service.ts';
import { type SigningKey, SigningKeyState } from '../../gen/latchkey/admin/v1/key.ts';

export function signingKeyMessage(key: SigningKeyInfo): SigningKey {
  return {
    keyId: key.keyId,
    algorithm: key.algorithm,
    state: SigningKeyState[key.state],
    createdAt: new Date(key.createdAt),
    signsFrom: new Date(key.signsFrom),
    signsUntil: instant(key.signsUntil),
    publishedUntil: instant(key.publishedUntil),
    masterKeyId: key.masterKeyId ?? '',
  };
}

function instant(ms: number | undefined): Date | undefined {
  return ms === undefined ? undefined : new Date(ms);
}
