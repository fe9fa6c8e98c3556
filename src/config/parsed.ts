/** What came of the text of a variable. */
export type Parsed<T> =
  | { readonly value: T }
  /** Ends a sentence that begins with the name, for example `must be one of on, off`. Never holds the text itself. */
  | { readonly problem: string };

export type Parse<T> = (text: string) => Parsed<T>;

/** Takes what `parse` took if it also is acceptable. */
export function provided<T>(parse: Parse<T>, isGood: (value: T) => boolean, problem: string): Parse<T> {
  return (text) => {
    const parsed = parse(text);
    return 'problem' in parsed || isGood(parsed.value) ? parsed : { problem };
  };
}
