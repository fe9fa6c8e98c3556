import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { OAuthProvider } from '../adapters/oidc/oauth-provider.ts';
import { OidcProvider } from '../adapters/oidc/oidc-provider.ts';
import { WechatProvider } from '../adapters/wechat/wechat-provider.ts';
import { type ProviderSettings, parseProviders } from '../config/provider-list.ts';
import { IdentityAdministration } from '../core/administration/identity-administration.ts';
import type { SecurityEvents } from '../core/audit/security-event.ts';
import { ExternalCompletion } from '../core/sign-in/external-completion.ts';
import type { ExternalFlowStore } from '../core/sign-in/external-flow-store.ts';
import {
  type ConfiguredProvider,
  ExternalLogin,
  type ExternalLoginOptions,
  type Providers,
} from '../core/sign-in/external-login.ts';
import { ExternalSessions, type ExternalSessionsOptions } from '../core/sign-in/external-sessions.ts';
import { Identities } from '../core/sign-in/identities.ts';
import type { IdentityProvider } from '../core/sign-in/identity-provider.ts';
import type { LiveSessions } from '../core/sign-in/live-sessions.ts';
import { ProviderCalls } from '../core/sign-in/provider-calls.ts';
import type { IdentityDirectory } from '../core/user/identity-directory.ts';
import { type AppContext, ids } from './app-context.ts';
import { messageOf, startupStep } from './startup-error.ts';

type Parts = Pick<ExternalSessionsOptions, 'users' | 'devices' | 'reserved'> &
  Pick<ExternalLoginOptions, 'throttle'> & {
    readonly directory: IdentityDirectory;
    readonly flows: ExternalFlowStore;
    readonly liveSessions: LiveSessions;
    readonly events: SecurityEvents;
  };

/** Assembles the sign-in through identity providers. Rejects with `StartupError` if their file cannot be used. */
export async function openExternalLogin(context: AppContext, parts: Parts) {
  const { config, clock } = context;
  const { refreshGraceMs: graceMs } = config;
  const { flows, events, directory, liveSessions, throttle, users, devices, reserved } = parts;
  const providers = await openProviders(context);
  const identities = new Identities({ directory, events, clock, ids });
  const sessions = new ExternalSessions({ identities, flows, users, devices, reserved });
  return {
    identities,
    administration: new IdentityAdministration({ identities, providers }),
    login: new ExternalLogin({ providers, flows, throttle, clock }),
    completion: new ExternalCompletion({
      providers,
      flows,
      identities,
      sessions,
      events,
      clock,
      ids,
      graceMs,
      liveSessions,
    }),
  };
}

async function openProviders(context: AppContext): Promise<Providers> {
  const { providersFile: file } = context.config;
  if (file === undefined) return new Map();
  const open = async () => {
    const settings = parseProviders(await readFile(file, 'utf8'));
    const opened = settings.map((each) => openProvider(context, each, dirname(resolve(file))));
    return new Map((await Promise.all(opened)).map((provider) => [provider.name, provider]));
  };
  const remedy = 'See docs/operations.md for the form of the file.';
  return startupStep(
    'LATCHKEY_PROVIDERS_FILE',
    open,
    (reason) => `${file} cannot be used: ${reason}. ${remedy}`,
  );
}

/** Opens one provider. @param folder of the file that lists the providers. */
async function openProvider(
  context: AppContext,
  settings: ProviderSettings,
  folder: string,
): Promise<ConfiguredProvider> {
  const { name, displayName, newUserRoles, timeoutMs, maxCalls } = settings;
  return {
    name,
    displayName,
    newUserRoles,
    adapter: adapterOf(context, settings, await secretOf(settings, folder)),
    calls: new ProviderCalls({ timeoutMs, maxCalls }),
  };
}

function adapterOf(
  { config, clock }: AppContext,
  settings: ProviderSettings,
  secret: string | undefined,
): IdentityProvider {
  const { name, clientId, timeoutMs, protocol } = settings;
  const { redirectUri = `${config.publicOrigin}/external/${name}/callback` } = settings;
  const common = { clientId, clientSecret: secret, redirectUri, timeoutMs };
  switch (protocol.type) {
    case 'wechat':
      return new WechatProvider({ appId: clientId, appSecret: secret ?? '', redirectUri, timeoutMs });
    case 'oidc':
      return new OidcProvider({ ...protocol, ...common, clock });
    case 'oauth2':
      return new OAuthProvider({ ...protocol, ...common });
  }
}

/** The secret of a provider. Undefined: it is a public client. A relative path starts at the folder of the list. */
async function secretOf(
  { name, clientSecretFile }: ProviderSettings,
  folder: string,
): Promise<string | undefined> {
  if (clientSecretFile === undefined) return undefined;
  const refuse = (reason: string) => new Error(`provider ${name}: client_secret_file ${reason}`);
  let content: string;
  try {
    content = await readFile(resolve(folder, clientSecretFile), 'utf8');
  } catch (error) {
    throw refuse(`cannot be read: ${messageOf(error)}`);
  }
  const secret = content.trim();
  if (secret === '' || /\s/.test(secret)) throw refuse('must contain one word, the secret');
  return secret;
}
