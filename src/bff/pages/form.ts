import type { PageView } from '../views.ts';
import { type Html, html } from './html.ts';

/** A form with the CSRF token. @param name for scripts that look for the form; empty: none. */
export function form(page: PageView, action: string, content: Html, name = ''): Html {
  return html`<form method="post" action="${action}"${name !== '' && html` data-form="${name}"`}><input type="hidden" name="csrf" value="${page.csrfToken}">${content}</form>`;
}

/** A hidden field. */
export function hidden(name: string, value: string): Html {
  return html`<input type="hidden" name="${name}" value="${value}">`;
}

export interface Field {
  readonly name: string;
  readonly label: string;
  readonly type: 'text' | 'password';
  readonly autocomplete: string;
  readonly value?: string;
  /** Below the field. */
  readonly hint?: string;
  /** What is wrong with the value. */
  readonly error?: string | undefined;
  readonly hasFocus?: boolean;
}

/** A labelled field of one line that must be filled in. */
export function field({ name, label, type, autocomplete, value, hint, error, hasFocus }: Field): Html {
  const described = error !== undefined || hint !== undefined;
  return html`<div class="field">
<label for="${name}">${label}</label>
<input id="${name}" name="${name}" type="${type}" autocomplete="${autocomplete}"${value !== undefined && html` value="${value}"`}${
    type === 'text' && html` autocapitalize="none" spellcheck="false"`
  }${described && html` aria-describedby="${name}-note"`}${error !== undefined && html` aria-invalid="true"`}${
    hasFocus && html` autofocus`
  } required>
${described && html`<p id="${name}-note" class="${error === undefined ? 'hint' : 'error'}">${error ?? hint}</p>`}
</div>`;
}
