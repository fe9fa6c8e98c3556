import Bowser from 'bowser';

/** The name and the platform of a device, each at most 64 bytes. Empty: unknown. */
export interface DeviceLabel {
  readonly name: string;
  readonly platform: string;
}

/** Bowser passes on names of programs that it does not know: any text that the browser sent. */
const PROGRAMS: ReadonlySet<string | undefined> = new Set(Object.values(Bowser.BROWSER_MAP));
const SYSTEMS: ReadonlySet<string | undefined> = new Set(Object.values(Bowser.OS_MAP));
/** The major version. */
const MAJOR = /^\d{1,6}/;
/** Characters that are read. Real user agents are shorter. */
const MAX_USER_AGENT = 512;

/** For example `Chrome 142 on Windows` and `Windows`. All words are Bowser's: a phone shows them to whoever approves. */
export function deviceLabel(userAgent: string | undefined): DeviceLabel {
  if (!userAgent) return { name: '', platform: '' };
  const { browser, os } = Bowser.parse(userAgent.slice(0, MAX_USER_AGENT));
  const [version] = MAJOR.exec(browser.version ?? '') ?? [];
  const program = PROGRAMS.has(browser.name) ? [browser.name, version].filter(Boolean).join(' ') : '';
  const platform = SYSTEMS.has(os.name) ? os.name : '';
  return { name: [program, platform].filter(Boolean).join(' on '), platform: platform ?? '' };
}
