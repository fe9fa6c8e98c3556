import { apiDocumentPage } from '../../src/bff/pages/api-document-page.ts';
import { approvePage } from '../../src/bff/pages/approve-page.ts';
import { changePasswordPage } from '../../src/bff/pages/change-password-page.ts';
import { devicesPage } from '../../src/bff/pages/devices-page.ts';
import { messagePage } from '../../src/bff/pages/message-page.ts';
import { providerRedirectPage } from '../../src/bff/pages/provider-redirect-page.ts';
import { providersPage } from '../../src/bff/pages/providers-page.ts';
import { sessionEndedPage } from '../../src/bff/pages/session-ended-page.ts';
import { sessionHistoryPage } from '../../src/bff/pages/session-history-page.ts';
import { signInPage } from '../../src/bff/pages/sign-in-page.ts';
import {
  apiDocumentView,
  approveView,
  changePasswordView,
  devicesView,
  messageView,
  NOW,
  noticeOf,
  providersView,
  samplePage,
  sessionEndedView,
  sessionHistoryView,
  signInView,
} from './sample-views.ts';

const HOSTILE = `javascript:alert(1)//"><img src=x onerror=alert(1)>'</script></textarea>&amp;`;
const HARMLESS = 'x';
/** Fields whose values are from a closed list, so nobody outside can choose them. */
const CLOSED = new Set(['language', 'code', 'state', 'kind', 'endReason', 'endedBy', 'endEvidence', 'by']);

/** The same view with another text in every field that has one. */
function withText<View>(view: View, text: string): View {
  if (view instanceof Date || typeof view !== 'object' || view === null) return view;
  if (Array.isArray(view)) {
    return view.map((item) => (typeof item === 'string' ? text : withText(item, text))) as View;
  }
  const fields = Object.entries(view).map(([name, value]) => [
    name,
    typeof value === 'string' && !CLOSED.has(name) ? text : withText(value, text),
  ]);
  return Object.fromEntries(fields) as View;
}

function bothOf<View>(name: string, render: (view: View) => string, view: View) {
  return [name, render(withText(view, HARMLESS)), render(withText(view, HOSTILE))] as const;
}

/** Pages whose views have a harmless text in every field, and the same pages with a hostile text. */
export function hostilePages(): readonly (readonly [name: string, harmless: string, hostile: string])[] {
  const session = { sessionId: '-', deviceName: '-', platform: '-', createdAt: NOW, lastSeenAt: NOW };
  const limited = signInView('en', {
    ended: { endReason: 'IDLE', endedBy: 'SERVICE', endedAt: NOW },
    sessionLimit: { by: 'provider', answer: { provider: '-', query: '-' }, sessions: [session] },
  });
  return [
    bothOf('sign in', signInPage, limited),
    bothOf(
      'sign in by code',
      signInPage,
      signInView('zh', { sessionLimit: { by: 'ticket', answer: undefined, sessions: [session] } }),
    ),
    bothOf('approve: ask', approvePage, approveView('en', { step: { kind: 'ask' } })),
    bothOf('approve: decide', approvePage, approveView('zh')),
    bothOf('devices', devicesPage, devicesView('en', { nextPagePath: '-' })),
    bothOf('session history', sessionHistoryPage, sessionHistoryView('zh')),
    bothOf('change password', changePasswordPage, {
      ...changePasswordView('en', { newPasswordProblem: '-' }),
      page: samplePage({ notice: noticeOf('new-password-refused') }),
    }),
    bothOf('providers', providersPage, providersView('en')),
    bothOf('leave', providerRedirectPage, {
      page: samplePage(),
      provider: { name: '-', displayName: '-' },
      url: '-',
    }),
    bothOf('session ended', sessionEndedPage, sessionEndedView('en')),
    bothOf('message', messagePage, messageView('zh')),
    bothOf('API', apiDocumentPage, apiDocumentView('en')),
  ];
}
