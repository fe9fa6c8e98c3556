import type { Language } from '../../views.ts';
import { type Content, type Html, html } from '../html.ts';
import { chinese } from './chinese.ts';
import { english } from './english.ts';

/** Everything that pages say in one language. */
export type Texts = typeof english;

export const TEXTS: Readonly<Record<Language, Texts>> = { en: english, zh: chinese };

/** Two sentences in a row. @param second false: there is none. */
export function sentences({ common }: Texts, first: string, second: Html | string | false): Html {
  return html`${first}${second !== false && [common.joint, second]}`;
}

/** The text of a name. Undefined: a newer service sent a name that is not known here. */
export function textOfName(texts: Readonly<Record<string, string>>, name: string): string | undefined {
  return Object.hasOwn(texts, name) ? texts[name] : undefined;
}

/** A text with a content in place of each `{}`. For an attribute, no content may be an element. */
export function fill(text: string, ...contents: readonly Content[]): Html {
  return html`${text.split('{}').map((part, index) => [part, contents[index]])}`;
}
