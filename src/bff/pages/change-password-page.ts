import type { ChangePasswordView, NoticeCode } from '../views.ts';
import { field, form } from './form.ts';
import { html } from './html.ts';
import { layout } from './layout.ts';
import { TEXTS } from './texts/texts.ts';

/** `GET /password`: changes the password and keeps this session. */
export function changePasswordPage({ page, newPasswordProblem }: ChangePasswordView): string {
  const { changePassword, notices } = TEXTS[page.language];
  const errorOf = (code: NoticeCode): string | undefined =>
    page.notice?.code === code ? notices[code].title : undefined;
  const fields = html`
${field({
  name: 'current_password',
  label: changePassword.current,
  type: 'password',
  autocomplete: 'current-password',
  error: errorOf('wrong-current-password') ?? errorOf('password-missing'),
})}
${field({
  name: 'new_password',
  label: changePassword.next,
  type: 'password',
  autocomplete: 'new-password',
  hint: changePassword.hint,
  error: newPasswordProblem === '' ? errorOf('new-password-refused') : newPasswordProblem,
})}
${field({
  name: 'repeat_password',
  label: changePassword.repeat,
  type: 'password',
  autocomplete: 'new-password',
  error: errorOf('passwords-differ'),
})}
<div class="actions"><button class="button main" type="submit">${changePassword.submit}</button></div>`;
  const content = html`<div class="card pad">
<h1>${changePassword.title}</h1>
<p class="lead">${changePassword.lead}</p>
${form(page, '/password', fields)}
</div>`;
  return layout({
    page,
    title: changePassword.title,
    content,
    entry: 'password',
    hasFields: true,
    width: 'narrow',
  });
}
