import type { Completion } from '../../core/sign-in/external-completion.ts';
import type { Identity } from '../../core/user/identity-directory.ts';
import type { CompleteExternalLoginResponse, LinkedIdentity } from '../../gen/latchkey/v1/external_login.ts';
import { signedInMessage, summaryMessage } from './session-message.ts';

export function identityMessage(identity: Identity): LinkedIdentity {
  const { provider, subject, displayName, linkedAt, lastUsedAt } = identity;
  return {
    provider,
    subject,
    displayName,
    linkedAt: new Date(linkedAt),
    lastUsedAt: lastUsedAt === undefined ? undefined : new Date(lastUsedAt),
  };
}

export function completionMessage(completion: Completion): CompleteExternalLoginResponse {
  switch (completion.kind) {
    case 'opened':
      return { outcome: { $case: 'signedIn', value: signedInMessage(completion) } };
    case 'session-limit': {
      const sessions = completion.sessions.map(summaryMessage);
      return { outcome: { $case: 'sessionLimit', value: { sessions } } };
    }
    case 'linked':
      return { outcome: { $case: 'linked', value: identityMessage(completion.identity) } };
  }
}
