import { createHash, randomBytes, randomInt } from 'node:crypto';

const ID_BYTES = 16;
const SECRET_BYTES = 32;
const DIGIT_COMBINATIONS = 100;

/** The form of a random id: of a ticket or a flow. */
export const RANDOM_ID = /^[A-Za-z0-9_-]{22}$/;
/** The form of a random secret. */
export const RANDOM_SECRET = /^[A-Za-z0-9_-]{43}$/;
/** The form of the digits. */
export const DIGITS = /^[0-9]{2}$/;

/** 128 random bits, base64url. */
export function newRandomId(): string {
  return randomBytes(ID_BYTES).toString('base64url');
}

/** 256 random bits, base64url. */
export function newRandomSecret(): string {
  return randomBytes(SECRET_BYTES).toString('base64url');
}

/** The store holds this hash only. The secret is random, so its hash needs no salt. */
export function hashOfSecret(secret: string): string {
  return createHash('sha256').update(secret).digest('base64url');
}

/** Two random digits. */
export function newDigits(): string {
  return String(randomInt(DIGIT_COMBINATIONS)).padStart(2, '0');
}
