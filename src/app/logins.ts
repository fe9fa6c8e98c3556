import { Failure } from '../core/failure.ts';
import type { LoginReports, LoginService } from '../core/login/login-service.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Metrics } from '../telemetry/metrics.ts';

/** Logins, each counted by its outcome. */
export function countedLogins(login: LoginService, metrics: Metrics): Pick<LoginService, 'login'> {
  return {
    login: async (attempt) => {
      try {
        const result = await login.login(attempt);
        metrics.countLogin('opened');
        return result;
      } catch (error) {
        metrics.countLogin(error instanceof Failure ? error.reason : 'INTERNAL');
        throw error;
      }
    },
  };
}

/** What an operator reads of logins in the log. */
export function loginReports(logger: Logger): LoginReports {
  return {
    upgradeFailed: (userId, cause) =>
      logger.warn(
        { userId, err: cause },
        'a password could not be stored in the present way; the next login tries again',
      ),
    passwordUnreadable: (userId) =>
      logger.error(
        { userId },
        'the stored password cannot be read: it is damaged, or its master key is missing',
      ),
  };
}
