import { providerUnavailable } from '../../core/sign-in/identity-provider.ts';
import { FETCH_LIMIT_MS, type StoredToken } from '../../core/sign-in/shared-token.ts';
import type { Clock } from '../../validator/clock.ts';
import { wechatAnswer } from './wechat-answer.ts';
import { API_ORIGIN, type WechatProviderOptions } from './wechat-provider.ts';

export interface WechatAppTokenOptions
  extends Pick<WechatProviderOptions, 'appId' | 'appSecret' | 'timeoutMs' | 'apiOrigin'> {
  readonly clock: Pick<Clock, 'now'>;
}

/**
 * Asks WeChat for a new token of the application. It lives for two hours, and WeChat then refuses the one before. So call
 * it through `SharedToken` only. Fails with PROVIDER_UNAVAILABLE.
 */
export async function fetchAppToken(options: WechatAppTokenOptions): Promise<StoredToken> {
  const { appId, appSecret, timeoutMs, apiOrigin = API_ORIGIN, clock } = options;
  const url = new URL('/cgi-bin/token', apiOrigin);
  url.search = new URLSearchParams({
    grant_type: 'client_credential',
    appid: appId,
    secret: appSecret,
  }).toString();
  // Before the call, so that the token never lives shorter than stated.
  const now = clock.now();
  try {
    const { access_token: token, expires_in: seconds } = await wechatAnswer(
      url,
      Math.min(timeoutMs, FETCH_LIMIT_MS),
    );
    if (typeof token !== 'string' || token === '' || typeof seconds !== 'number' || !(seconds > 0)) {
      throw new Error('WeChat answered without a token');
    }
    return { token, expiresAt: now + Math.floor(seconds * 1_000) };
  } catch (error) {
    throw providerUnavailable(error);
  }
}
