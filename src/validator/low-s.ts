/** The order of P-256 (FIPS 186-5). For each valid ES256 signature (r, s), (r, order - s) is valid too. */
const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
const S_BYTES = 32;
const HALF_ORDER = bytesOf(ORDER / 2n);

/**
 * Whether the signature has the accepted (low) s.
 * @param signature r and s, 32 bytes each.
 */
export function hasLowS(signature: Uint8Array): boolean {
  return Buffer.compare(signature.subarray(S_BYTES), HALF_ORDER) <= 0;
}

/** Returns the equivalent signature with low s. Web Crypto and jose may produce either. */
export function withLowS(signature: Uint8Array): Uint8Array {
  if (hasLowS(signature)) return signature;
  const s = BigInt(`0x${Buffer.from(signature.subarray(S_BYTES)).toString('hex')}`);
  return Buffer.concat([signature.subarray(0, S_BYTES), bytesOf(ORDER - s)]);
}

function bytesOf(s: bigint): Buffer {
  return Buffer.from(s.toString(16).padStart(2 * S_BYTES, '0'), 'hex');
}
