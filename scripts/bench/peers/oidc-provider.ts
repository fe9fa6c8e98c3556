import { randomBytes } from 'node:crypto';
import { Agent, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { forkModule, nextMessage, stop } from '../processes.ts';
import type { Arm, ArmSetup, Credential } from './arm.ts';

/** Whoever asks, and whoever signs people in and out; each has a secret of its own. */
export interface OidcClients {
  readonly api: OidcClient;
  readonly app: OidcClient;
}
interface OidcClient {
  readonly id: string;
  readonly secret: string;
}
export interface OidcOrder {
  readonly redisUrl: string;
  readonly clients: OidcClients;
  readonly count: number;
}
export interface OidcStarted {
  readonly port: number;
  readonly credentials: readonly Credential[];
}
export interface OidcProvider extends OidcStarted {
  readonly clients: OidcClients;
  stop(): Promise<void>;
}

/** Starts oidc-provider in a process of its own, with so many access tokens. */
export async function startOidcProvider(redisUrl: string, count: number): Promise<OidcProvider> {
  const newClient = (id: string): OidcClient => ({ id, secret: randomBytes(24).toString('base64url') });
  const clients = { api: newClient('api'), app: newClient('app') };
  const child = forkModule('peers/oidc-provider-process.ts', 'oidc-provider');
  child.send({ redisUrl, clients, count } satisfies OidcOrder);
  const started = await nextMessage<OidcStarted>(child);
  return { ...started, clients, stop: () => stop(child) };
}

/**
 * Token introspection (RFC 7662) by a client that authenticates itself, over connections that are kept. Logging
 * out is the revocation of the token (RFC 7009).
 */
export async function oidcIntrospection({ service }: ArmSetup): Promise<Arm> {
  if (service?.clients === undefined) throw new Error('there is no oidc-provider to ask');
  const { port, credentials, clients } = service;
  const agent = new Agent({ keepAlive: true });
  const post = (path: string, client: OidcClient, token: string): Promise<string> => {
    const body = `token=${token}&token_type_hint=access_token`;
    const headers = {
      authorization: `Basic ${Buffer.from(`${client.id}:${client.secret}`).toString('base64')}`,
      'content-type': 'application/x-www-form-urlencoded',
      'content-length': body.length,
    };
    return new Promise((resolve, reject) => {
      request({ host: '127.0.0.1', port, path, method: 'POST', agent, headers }, (response) => {
        text(response).then((answer) => {
          if (response.statusCode === 200) resolve(answer);
          else reject(new Error(`oidc-provider answered ${response.statusCode}: ${answer}`));
        }, reject);
      })
        .on('error', reject)
        .end(body);
    });
  };
  return {
    credentials,
    validate: async (token) => {
      const answer = await post('/token/introspection', clients.api, token);
      const { active, sub } = JSON.parse(answer) as { active: boolean; sub?: string };
      return active ? sub : undefined;
    },
    logout: async (token) => {
      await post('/token/revocation', clients.app, token);
    },
    close: async () => agent.destroy(),
  };
}
