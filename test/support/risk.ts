import type { MoveAssessor } from '../../src/core/session/session-service.ts';
import type { LoginServiceOptions } from '../../src/core/sign-in/login-service.ts';

/** Finds nothing unusual. */
export const NO_RISK: LoginServiceOptions['risk'] & MoveAssessor = {
  signIn: async () => ({ isNewDevice: false, lifetimeMs: undefined, finding: undefined }),
  signedIn: () => undefined,
  moved: async (_user, session) => session,
};
