import { LANGUAGES, type Language } from '../views.ts';

/** The language that a header or a parameter names. Undefined: none of ours. */
export function languageNamed(text: unknown): Language | undefined {
  return LANGUAGES.find((language) => language === text);
}

/** The best language for the header `Accept-Language` (RFC 9110, section 12.5.4). Default: English. */
export function acceptedLanguage(header: string | undefined): Language {
  const ranges = (header ?? '').slice(0, 256).split(',').map(rangeOf);
  const ranked = ranges.filter(({ weight }) => weight > 0).sort((a, b) => b.weight - a.weight);
  for (const { tag } of ranked) {
    const language = languageNamed(tag);
    if (language !== undefined) return language;
  }
  return 'en';
}

function rangeOf(text: string): { readonly tag: string; readonly weight: number } {
  const [range = '', ...parameters] = text.split(';').map((part) => part.trim().toLowerCase());
  const quality = parameters.find((parameter) => parameter.startsWith('q='));
  const weight = quality === undefined ? 1 : Number(quality.slice(2));
  return { tag: range.split('-')[0] ?? '', weight: Number.isFinite(weight) ? weight : 0 };
}
