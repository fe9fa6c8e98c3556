import type { Pages } from '../../../src/bff/pages.ts';

/** Pages that show their view model as JSON, so that tests of the BFF do not depend on how pages look. */
export const BARE_PAGES: Pages = {
  signInPage: bare('sign-in'),
  approvePage: bare('approve'),
  devicesPage: bare('devices'),
  sessionHistoryPage: bare('session-history'),
  changePasswordPage: bare('change-password'),
  providersPage: bare('providers'),
  providerRedirectPage: bare('leave'),
  sessionEndedPage: bare('session-ended'),
  messagePage: bare('message'),
  apiDocumentPage: bare('api-document'),
  assets: [{ path: '/assets/style.abc.css', contentType: 'text/css; charset=utf-8', body: 'body {}' }],
};

function bare(name: string) {
  return (view: object) => JSON.stringify({ name, ...view });
}
