/**
 * What session blobs have in common, so that it is stored once and here: each blob is deflated against one of these
 * texts and names it by its number. Stored sessions cannot be read without the text they were deflated against, so
 * none of these is ever changed or removed: what browsers say by then is added as a further one, which becomes
 * the current one a release after every server knows it.
 *
 * A match costs less the later it stands, and each text is followed by what often follows it in `session-blob.ts`.
 */
const DICTIONARIES: ReadonlyMap<number, string> = new Map([
  [
    1,
    [
      '["okhttp/4.12.0","["grpc-node-js/1.14.0","["Dart/3.9 (dart:io)","["Go-http-client/2.0","Symfony","Java',
      'cli","mobile","desktop","browser","console","admin","bff","app","tv","otp","mfa","hwk","swk","fpt","sms"],"","2001:db8:',
      ' CrOS x86_64 Ubuntu FxiOS/ CriOS/ EdgA/ OPR/ SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36","Android","',
      '["Mozilla/5.0 (iPad; CPU OS 18_6 like Mac OS X) Gecko/131.0 Firefox/131.0","iPadOS","',
      '["Mozilla/5.0 (Android 15; Mobile; rv:143.0) Gecko/143.0 Firefox/143.0","',
      '["Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:143.0) Gecko/20100101 Firefox/143.0","macOS","',
      '["Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:143.0) Gecko/20100101 Firefox/143.0","Windows","',
      '["Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0","Linux","web",["pwd"],"',
      '["Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) ',
      'Version/26.0 Mobile/15E148 Safari/604.1","iOS","',
      '["Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) ',
      'Version/26.0 Safari/605.1.15","macOS","',
      '["Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36","Linux","',
      '["Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 ',
      'Mobile Safari/537.36","Android","',
      '["Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) ',
      'Chrome/141.0.0.0 Safari/537.36 Edg/141.0.0.0","macOS","Windows 11","Windows 10","',
      '["","","',
      '["Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) ',
      'Chrome/142.0.0.0 Safari/537.36","Windows","web",["pwd"],"',
      '","web",["pwd","otp"],"","","web",["pwd"],"",""]',
    ].join(''),
  ],
]);

/** The number of the dictionary that new blobs are deflated against. Numbers go from 1 to 255. */
export const CURRENT_DICTIONARY = 1;

const buffers = new Map([...DICTIONARIES].map(([number, text]) => [number, Buffer.from(text)]));

/** A text was deflated against a dictionary of a later release. */
export class DictionaryMissing extends Error {
  override readonly name = 'DictionaryMissing';

  constructor(number: number) {
    super(`a session needs dictionary ${number}, which this release does not have`);
  }
}

export function dictionary(number: number): Buffer {
  const found = buffers.get(number);
  if (found === undefined) throw new DictionaryMissing(number);
  return found;
}
