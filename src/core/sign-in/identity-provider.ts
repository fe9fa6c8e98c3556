import { Failure } from '../failure.ts';
import { MAX_DISPLAY_NAME_BYTES, MAX_SUBJECT_BYTES } from '../user/identity-directory.ts';

/** What ties an answer of a provider to one flow. The provider sees `state`, `nonce` and the hash of `codeVerifier`. */
export interface FlowProof {
  readonly state: string;
  /** Comes back inside the ID token. */
  readonly nonce: string;
  /** PKCE (RFC 7636). */
  readonly codeVerifier: string;
}

/** Who the provider says signed in. */
export interface ProviderAccount {
  /** 1 to 255 bytes. */
  readonly subject: string;
  /** For people only; at most 64 bytes. Empty: unknown. */
  readonly displayName: string;
  /** How the provider authenticated the person: values of RFC 8176. Empty: it did not say. */
  readonly methods: readonly string[];
}

/**
 * An identity provider.
 *
 * Law:
 * - The redirect address comes from the configuration, never from a request.
 * - `identify` returns an account only if the provider stated it in an answer to exactly this flow.
 * - Fails with PROVIDER_REFUSED, PROVIDER_ANSWER_INVALID and PROVIDER_UNAVAILABLE only. No error contains a secret.
 */
export interface IdentityProvider {
  /** Where to send the browser. */
  authorizationUrl(proof: FlowProof): Promise<string>;
  /** @param answer the query with which the provider sent the browser back. */
  identify(answer: URLSearchParams, proof: FlowProof): Promise<ProviderAccount>;
}

const CONTROL = /\p{Cc}/u;
const CONTROLS = /\p{Cc}+/gu;

/** The values of RFC 8176, section 2. */
const METHODS: ReadonlySet<unknown> = new Set([
  'face',
  'fpt',
  'geo',
  'hwk',
  'iris',
  'kba',
  'mca',
  'mfa',
  'otp',
  'pin',
  'pop',
  'pwd',
  'rba',
  'retina',
  'sc',
  'sms',
  'swk',
  'tel',
  'user',
  'vbm',
  'wia',
]);

/** Makes an account of what a provider claims. Throws PROVIDER_ANSWER_INVALID if the subject is invalid. */
export function providerAccount(claims: {
  readonly subject: unknown;
  readonly displayName: unknown;
  readonly methods: unknown;
}): ProviderAccount {
  const { subject, displayName, methods } = claims;
  const isValid =
    typeof subject === 'string' &&
    subject !== '' &&
    Buffer.byteLength(subject) <= MAX_SUBJECT_BYTES &&
    subject.isWellFormed() &&
    !CONTROL.test(subject);
  if (!isValid) throw providerAnswerInvalid(new Error('the subject is missing, too long or malformed'));
  return {
    subject,
    displayName: typeof displayName === 'string' ? shortened(displayName) : '',
    methods: Array.isArray(methods)
      ? [...new Set<string>(methods.filter((each: unknown) => METHODS.has(each)))]
      : [],
  };
}

/** At most 64 bytes, without control characters and without half a character at the end. */
function shortened(text: string): string {
  const visible = text.slice(0, MAX_DISPLAY_NAME_BYTES).toWellFormed().replace(CONTROLS, ' ').trim();
  let kept = '';
  for (const character of visible) {
    if (Buffer.byteLength(kept + character) > MAX_DISPLAY_NAME_BYTES) break;
    kept += character;
  }
  return kept;
}

/** @param code the provider's own, sent to the caller; for example `access_denied`. */
export function providerRefused(code: string): Failure {
  const shown = /^[A-Za-z0-9_.-]{1,64}$/.test(code) ? code : 'unknown';
  return new Failure('PROVIDER_REFUSED', `The identity provider refused: ${shown}; begin again.`, {
    metadata: { error: shown },
  });
}

/** @param cause logged, never sent; without secrets. */
export function providerAnswerInvalid(cause: unknown): Failure {
  return new Failure(
    'PROVIDER_ANSWER_INVALID',
    'The answer does not belong to this sign-in, or cannot be trusted; begin again.',
    { cause },
  );
}

/** @param cause logged, never sent; without secrets. */
export function providerUnavailable(cause: unknown): Failure {
  return new Failure('PROVIDER_UNAVAILABLE', 'The identity provider cannot be used now; try again later.', {
    cause,
  });
}
