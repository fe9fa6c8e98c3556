import { apiDocumentPage } from '../../src/bff/pages/api-document-page.ts';
import { approvePage } from '../../src/bff/pages/approve-page.ts';
import { changePasswordPage } from '../../src/bff/pages/change-password-page.ts';
import { devicesPage } from '../../src/bff/pages/devices-page.ts';
import { messagePage } from '../../src/bff/pages/message-page.ts';
import { providersPage } from '../../src/bff/pages/providers-page.ts';
import { sessionEndedPage } from '../../src/bff/pages/session-ended-page.ts';
import { sessionHistoryPage } from '../../src/bff/pages/session-history-page.ts';
import { signInPage } from '../../src/bff/pages/sign-in-page.ts';
import type { Language } from '../../src/bff/views.ts';
import {
  apiDocumentView,
  approveView,
  changePasswordView,
  devicesView,
  fromNow,
  messageView,
  NOW,
  noticeOf,
  providersView,
  samplePage,
  sessionEndedView,
  sessionHistoryView,
  signInView,
} from './sample-views.ts';

/** Pages by name, each in a state that is worth a look. */
export const SAMPLE_PAGES: Readonly<Record<string, (language: Language) => string>> = {
  'sign-in': (language) => signInPage(signInView(language)),
  'sign-in-scanned': (language) => {
    const view = signInView(language);
    return signInPage({
      ...view,
      ticket: view.ticket && { ...view.ticket, state: 'SCANNED', digits: '47' },
    });
  },
  'sign-in-refused': (language) =>
    signInPage(
      signInView(language, {
        page: samplePage({
          language,
          path: '/sign-in',
          isSignedIn: false,
          notice: noticeOf('too-many-attempts', 90),
        }),
        username: 'mia',
        ticket: undefined,
      }),
    ),
  'sign-in-limit': (language) =>
    signInPage(
      signInView(language, {
        page: samplePage({
          language,
          path: '/sign-in',
          isSignedIn: false,
          notice: noticeOf('session-limit'),
        }),
        username: 'mia',
        sessionLimit: {
          by: 'password',
          answer: undefined,
          sessions: [
            {
              sessionId: 'a',
              deviceName: 'Safari 26 on iPhone',
              platform: 'iOS',
              createdAt: fromNow(-9 * 86_400_000),
              lastSeenAt: fromNow(-2_100_000),
            },
            {
              sessionId: 'b',
              deviceName: '',
              platform: '',
              createdAt: NOW,
              lastSeenAt: fromNow(-86_400_000),
            },
          ],
        },
      }),
    ),
  'approve-ask': (language) => approvePage(approveView(language, { step: { kind: 'ask' } })),
  approve: (language) => approvePage(approveView(language)),
  'approve-done': (language) => approvePage(approveView(language, { step: { kind: 'approved' } })),
  'approve-over': (language) =>
    approvePage(
      approveView(language, {
        page: samplePage({ language, notice: noticeOf('ticket-wrong-digits') }),
        step: { kind: 'over' },
      }),
    ),
  devices: (language) => devicesPage(devicesView(language)),
  'session-history': (language) => sessionHistoryPage(sessionHistoryView(language)),
  'change-password': (language) => changePasswordPage(changePasswordView(language)),
  'change-password-refused': (language) =>
    changePasswordPage(
      changePasswordView(language, {
        page: samplePage({ language, path: '/password', notice: noticeOf('new-password-refused') }),
        newPasswordProblem: 'must not be a common password',
      }),
    ),
  providers: (language) => providersPage(providersView(language)),
  'session-ended': (language) => sessionEndedPage(sessionEndedView(language)),
  message: (language) => messagePage(messageView(language)),
  api: (language) => apiDocumentPage(apiDocumentView(language)),
};
