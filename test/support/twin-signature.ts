/** The order of P-256. For each valid ES256 signature (r, s), (r, order - s) is valid too. */
const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
const S_BYTES = 32;

/** The same token with the other valid signature. */
export function twinOf(token: string): string {
  const { body, signature } = taken(token);
  const twin = (ORDER - sOf(signature)).toString(16).padStart(2 * S_BYTES, '0');
  return `${body}.${Buffer.concat([signature.subarray(0, S_BYTES), Buffer.from(twin, 'hex')]).toString('base64url')}`;
}

export function hasLowS(token: string): boolean {
  return sOf(taken(token).signature) <= ORDER / 2n;
}

function sOf(signature: Buffer): bigint {
  return BigInt(`0x${signature.subarray(S_BYTES).toString('hex')}`);
}

function taken(token: string) {
  const dot = token.lastIndexOf('.');
  return { body: token.slice(0, dot), signature: Buffer.from(token.slice(dot + 1), 'base64url') };
}
