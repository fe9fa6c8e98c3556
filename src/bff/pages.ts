import type { ProviderRedirectView, ProvidersView } from './provider-views.ts';
import type {
  ApiDocumentView,
  ApproveView,
  Asset,
  ChangePasswordView,
  DevicesView,
  MessageView,
  SessionEndedView,
  SessionHistoryView,
  SignInView,
} from './views.ts';

/** How views become HTML, and the files that the pages need. */
export interface Pages {
  readonly signInPage: (view: SignInView) => string;
  readonly approvePage: (view: ApproveView) => string;
  readonly devicesPage: (view: DevicesView) => string;
  readonly sessionHistoryPage: (view: SessionHistoryView) => string;
  readonly changePasswordPage: (view: ChangePasswordView) => string;
  readonly providersPage: (view: ProvidersView) => string;
  readonly providerRedirectPage: (view: ProviderRedirectView) => string;
  readonly sessionEndedPage: (view: SessionEndedView) => string;
  readonly messagePage: (view: MessageView) => string;
  readonly apiDocumentPage: (view: ApiDocumentView) => string;
  readonly assets: readonly Asset[];
}
