import Bowser from 'bowser';

/** The name and the platform of a device, each at most 64 bytes. Empty: unknown. */
export interface DeviceLabel {
  readonly name: string;
  readonly platform: string;
}

const MAX_BYTES = 64;
/** Characters that are read. Real user agents are shorter. */
const MAX_USER_AGENT = 512;

/** For example `Chrome 142 on Windows` and `Windows`. A raw user agent is never passed on. */
export function deviceLabel(userAgent: string | undefined): DeviceLabel {
  if (!userAgent) return { name: '', platform: '' };
  const { browser, os } = Bowser.parse(userAgent.slice(0, MAX_USER_AGENT));
  const version = browser.version?.split('.')[0] ?? '';
  const program = [browser.name, version].filter(Boolean).join(' ');
  const name = [program, os.name].filter(Boolean).join(' on ');
  return { name: shortened(name), platform: shortened(os.name ?? '') };
}

/** At most 64 bytes. Versions come from the browser, so control characters are removed. */
function shortened(text: string): string {
  const clean = text.replace(/\p{Cc}/gu, '');
  let short = '';
  for (const letter of clean) {
    if (Buffer.byteLength(short + letter) > MAX_BYTES) break;
    short += letter;
  }
  return short;
}
