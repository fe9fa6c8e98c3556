/** Text that is HTML already. Only `html` makes it, so every other value in a page is escaped. */
export class Html {
  readonly #text: string;

  private constructor(text: string) {
    this.#text = text;
  }

  /** Joins literal parts of a template and values, which are escaped unless they are Html. */
  static of(parts: readonly string[], values: readonly Content[]): Html {
    return new Html(parts.map((part, index) => part + textOf(values[index])).join(''));
  }

  toString(): string {
    return this.#text;
  }
}

/** What a template takes: Html stays as it is, text is escaped, lists are joined, undefined and false are nothing. */
export type Content = Html | string | number | false | undefined | readonly Content[];

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/**
 * Template tag: HTML whose values are escaped. Attribute values must be in double quotes.
 *
 * @example
 * html`<p title="${title}">${text}</p>`
 */
export function html(parts: TemplateStringsArray, ...values: readonly Content[]): Html {
  return Html.of(parts, values);
}

function textOf(value: Content): string {
  if (value === undefined || value === false) return '';
  if (value instanceof Html) return value.toString();
  if (Array.isArray(value)) return value.map(textOf).join('');
  return String(value).replaceAll(/[&<>"']/g, (character) => ESCAPES[character] ?? '');
}
