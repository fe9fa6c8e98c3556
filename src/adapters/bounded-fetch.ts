/** Upper bound of an answer, decompressed. Metadata, keys, tokens and accounts are far smaller. */
const MAX_ANSWER_BYTES = 1_048_576;

/** As `fetch`, but reads the whole answer. @throws Error if it is too long: a provider must not fill the memory. */
export async function boundedFetch(url: string | URL, options: RequestInit): Promise<Response> {
  const response = await fetch(url, options);
  if (response.body === null) return response;
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body) {
    bytes += chunk.byteLength;
    if (bytes > MAX_ANSWER_BYTES) throw new Error(`the answer has more than ${MAX_ANSWER_BYTES} bytes`);
    chunks.push(chunk);
  }
  return new Response(Buffer.concat(chunks), response);
}
