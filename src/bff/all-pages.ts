import { apiDocumentPage } from './pages/api-document-page.ts';
import { approvePage } from './pages/approve-page.ts';
import { ASSETS } from './pages/assets.ts';
import { changePasswordPage } from './pages/change-password-page.ts';
import { devicesPage } from './pages/devices-page.ts';
import { messagePage } from './pages/message-page.ts';
import { providerRedirectPage } from './pages/provider-redirect-page.ts';
import { providersPage } from './pages/providers-page.ts';
import { sessionEndedPage } from './pages/session-ended-page.ts';
import { sessionHistoryPage } from './pages/session-history-page.ts';
import { signInPage } from './pages/sign-in-page.ts';
import type { Pages } from './pages.ts';

/** The pages that browsers get. Tests use others, so that they do not depend on how pages look. */
export const PAGES: Pages = {
  signInPage,
  approvePage,
  devicesPage,
  sessionHistoryPage,
  changePasswordPage,
  providersPage,
  providerRedirectPage,
  sessionEndedPage,
  messagePage,
  apiDocumentPage,
  assets: ASSETS,
};
