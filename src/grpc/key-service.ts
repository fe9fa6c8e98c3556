import type { KeyAdministration } from '../core/administration/key-administration.ts';
import type { SigningKeyInfo } from '../core/keys/key-service.ts';
import {
  KeyServiceService,
  ListSigningKeysRequest,
  ListSigningKeysResponse,
  RotateSigningKeyRequest,
  RotateSigningKeyResponse,
  type SigningKey,
  SigningKeyState,
} from '../gen/latchkey/admin/v1/key.ts';
import { actorOf } from './call.ts';
import { administrators, type CallerTokens } from './interceptors/caller-auth.ts';
import { afterOf, checkPage, pageSizeOf, pageTokenOf } from './page.ts';
import type { CallEnvironment, ServiceRegistration } from './service-registration.ts';
import { unaryService } from './unary.ts';

/** The core service behind admin.KeyService. */
export type KeyCore = Pick<KeyAdministration, 'list' | 'reload' | 'rotate'>;

/** A JWK thumbprint (RFC 7638) with SHA-256. */
const KEY_ID = /^[A-Za-z0-9_-]{1,64}$/;

/** `latchkey.admin.v1.KeyService`. */
export function keyService(
  keys: KeyCore,
  callerTokens: CallerTokens,
  environment: CallEnvironment,
): ServiceRegistration {
  const callers = administrators(callerTokens);
  return unaryService(
    KeyServiceService,
    {
      listSigningKeys: {
        request: ListSigningKeysRequest,
        response: ListSigningKeysResponse,
        callers,
        check: (request, issues) => checkPage(request, KEY_ID, issues),
        handle: async (request) => {
          // Another replica may have created a key since the last reload.
          await keys.reload();
          return listSigningKeys(keys.list(), request);
        },
      },
      rotateSigningKey: {
        request: RotateSigningKeyRequest,
        response: RotateSigningKeyResponse,
        callers,
        check: () => {},
        handle: async (_request, call) => ({ key: signingKeyMessage(await keys.rotate(actorOf(call))) }),
      },
    },
    environment,
  );
}

/** Keys expire oldest first and are listed newest first. So no key follows one that has been removed. */
function listSigningKeys(
  keys: readonly SigningKeyInfo[],
  request: ListSigningKeysRequest,
): ListSigningKeysResponse {
  const after = afterOf(request);
  const last = keys.findIndex(({ keyId }) => keyId === after);
  const from = after === undefined ? 0 : last < 0 ? keys.length : last + 1;
  const page = keys.slice(from, from + pageSizeOf(request));
  const next = from + page.length < keys.length ? page.at(-1) : undefined;
  return {
    keys: page.map(signingKeyMessage),
    nextPageToken: next === undefined ? '' : pageTokenOf(next.keyId),
  };
}

function signingKeyMessage(key: SigningKeyInfo): SigningKey {
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
