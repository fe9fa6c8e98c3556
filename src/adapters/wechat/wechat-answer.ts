import { boundedFetch } from '../bounded-fetch.ts';

/** An error that WeChat states in an answer with the status 200. Has no `errmsg`, which may repeat the request. */
export class WechatError extends Error {
  override readonly name = 'WechatError';
  /** `errcode`. */
  readonly code: number;

  constructor(code: number) {
    super(`WeChat answered with errcode ${code}`);
    this.code = code;
  }
}

/**
 * Calls WeChat's API. Throws `WechatError`, or an error that says what failed. No error has the address, which contains
 * secrets.
 *
 * @param timeoutMs of the whole call, in milliseconds.
 */
export async function wechatAnswer(url: URL, timeoutMs: number): Promise<Readonly<Record<string, unknown>>> {
  const signal = AbortSignal.timeout(timeoutMs);
  const answer = await fetchText(url, signal);
  const content = objectIn(answer);
  if (content === undefined) throw new Error('WeChat did not answer with a JSON object');
  const code = content['errcode'];
  if (code !== undefined && code !== 0) throw new WechatError(Number(code));
  return content;
}

async function fetchText(url: URL, signal: AbortSignal): Promise<string> {
  try {
    const response = await boundedFetch(url, { signal, redirect: 'error' });
    if (response.status !== 200) throw new Error(`status ${response.status}`);
    return await response.text();
  } catch (error) {
    throw new Error(`WeChat cannot be reached: ${reasonOf(error)}`);
  }
}

/** What failed: a code or a message that does not contain the address. */
function reasonOf(error: unknown): string {
  const { name, message, cause } = error as Error & { readonly cause?: NodeJS.ErrnoException };
  return cause?.code ?? (name === 'Error' ? message : name);
}

function objectIn(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const content: unknown = JSON.parse(text);
    const isObject = typeof content === 'object' && content !== null && !Array.isArray(content);
    return isObject ? (content as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
