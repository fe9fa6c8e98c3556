import type { ProviderView, SignInView } from '../views.ts';
import { field, form, hidden } from './form.ts';
import { type Html, html } from './html.ts';
import { endText, layout } from './layout.ts';
import { banner } from './notice.ts';
import { sessionChoice } from './session-choice.ts';
import { signInCode } from './sign-in-code.ts';
import { fill, TEXTS } from './texts/texts.ts';

/** `GET /sign-in`: the form, and beside it the code for a phone. */
export function signInPage(view: SignInView): string {
  const { page, ended } = view;
  const texts = TEXTS[page.language];
  const content = html`
${ended && banner('care', texts.signIn.endedTitle, endText(ended.endReason, texts))}
<div class="card entry">
<section class="pad">
<h1>${texts.signIn.title}</h1>
<p class="lead">${texts.signIn.lead}</p>
${passwordForm(view)}
${view.providers.length > 0 && providerForms(view)}
</section>
${signInCode(view)}
</div>`;
  return layout({ page, title: texts.signIn.title, content, scripts: ['signIn'], width: 'broad' });
}

function passwordForm({ page, next, username, sessionLimit }: SignInView): Html {
  const { signIn, notices } = TEXTS[page.language];
  const errorOf = (code: 'username-missing' | 'password-missing'): string | undefined =>
    page.notice?.code === code ? notices[code].title : undefined;
  const limit = sessionLimit?.by === 'password' ? sessionLimit : undefined;
  return form(
    page,
    '/sign-in',
    html`${hidden('next', next)}
${field({
  name: 'username',
  label: signIn.username,
  type: 'text',
  autocomplete: 'username',
  value: username,
  error: errorOf('username-missing'),
  hasFocus: username === '',
})}
${limit && sessionChoice(page, limit)}
${field({
  name: 'password',
  label: signIn.password,
  type: 'password',
  autocomplete: 'current-password',
  ...(limit && { hint: signIn.limitPassword }),
  error: errorOf('password-missing'),
  hasFocus: username !== '',
})}
<div class="actions"><button class="button main wide" type="submit">${signIn.submit}</button></div>`,
  );
}

function providerForms({ page, next, providers, sessionLimit }: SignInView): Html {
  const { signIn } = TEXTS[page.language];
  if (sessionLimit?.answer !== undefined) {
    const { provider, query } = sessionLimit.answer;
    const submit = html`<div class="actions"><button class="button wide" type="submit">${signIn.continue}</button></div>`;
    const fields = html`${hidden('provider', provider)}${hidden('query', query)}${sessionChoice(page, sessionLimit)}${submit}`;
    return html`<p class="rule">${signIn.or}</p>${form(page, '/external/callback', fields)}`;
  }
  const button = ({ name, displayName }: ProviderView): Html =>
    form(
      page,
      '/sign-in/provider',
      html`${hidden('next', next)}${hidden('provider', name)}<button class="button wide" type="submit">${fill(signIn.withProvider, displayName)}</button>`,
    );
  return html`<p class="rule">${signIn.or}</p><div class="stack">${providers.map(button)}</div>`;
}
