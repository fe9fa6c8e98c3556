import {
  type FlowProof,
  type IdentityProvider,
  type ProviderAccount,
  providerAccount,
  providerAnswerInvalid,
  providerRefused,
  providerUnavailable,
} from '../../core/sign-in/identity-provider.ts';
import { WechatError, wechatAnswer } from './wechat-answer.ts';

export interface WechatProviderOptions {
  readonly appId: string;
  readonly appSecret: string;
  /** Its host is registered at WeChat. */
  readonly redirectUri: string;
  /** Time limit of one request to WeChat; milliseconds. */
  readonly timeoutMs: number;
  /** Where the sign-in page is. Default: WeChat's. */
  readonly pageOrigin?: string;
  /** Where the API is. Default: WeChat's. */
  readonly apiOrigin?: string;
}

const PAGE_ORIGIN = 'https://open.weixin.qq.com';
export const API_ORIGIN = 'https://api.weixin.qq.com';

/** `errcode` for a bad authorization code: invalid, used, missing, expired. */
const REFUSED: ReadonlySet<number> = new Set([40029, 40163, 41008, 42003]);

/**
 * WeChat's website login: OAuth 2 with names of its own. It knows neither PKCE nor nonce, so only `state` and the
 * secret of the flow tie an answer to its browser.
 */
export class WechatProvider implements IdentityProvider {
  readonly #options: WechatProviderOptions;

  constructor(options: WechatProviderOptions) {
    this.#options = options;
  }

  async authorizationUrl({ state }: FlowProof): Promise<string> {
    const { appId, redirectUri, pageOrigin = PAGE_ORIGIN } = this.#options;
    const url = new URL('/connect/qrconnect', pageOrigin);
    url.search = new URLSearchParams({
      appid: appId,
      redirect_uri: redirectUri,
      response_type: 'code',
      scope: 'snsapi_login',
      state,
    }).toString();
    url.hash = 'wechat_redirect';
    return url.href;
  }

  /** A person who refuses comes back without a code. */
  async identify(answer: URLSearchParams, { state }: FlowProof): Promise<ProviderAccount> {
    const codes = answer.getAll('code');
    const states = answer.getAll('state');
    if (states.length !== 1 || states[0] !== state || codes.length > 1) {
      throw providerAnswerInvalid(new Error('the answer has another state, or two codes'));
    }
    const [code = ''] = codes;
    if (code === '') throw providerRefused('access_denied');
    const claims = await this.#exchange(code);
    return providerAccount({
      // The unionid is the same in all applications of one owner. The openid is the same in this application only.
      subject: claims['unionid'] ?? claims['openid'],
      displayName: '',
      methods: [],
    });
  }

  /** The secret is in the query, as WeChat requires. So neither the address nor the answer may be in an error. */
  async #exchange(code: string): Promise<Readonly<Record<string, unknown>>> {
    const { appId, appSecret, timeoutMs, apiOrigin = API_ORIGIN } = this.#options;
    const url = new URL('/sns/oauth2/access_token', apiOrigin);
    url.search = new URLSearchParams({
      appid: appId,
      secret: appSecret,
      code,
      grant_type: 'authorization_code',
    }).toString();
    try {
      return await wechatAnswer(url, timeoutMs);
    } catch (error) {
      const isRefused = error instanceof WechatError && REFUSED.has(error.code);
      throw isRefused ? providerRefused(String(error.code)) : providerUnavailable(error);
    }
  }
}
