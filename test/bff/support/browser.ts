/** An answer as a test reads it. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The view model of a page, or the JSON of the API. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look at any part of any answer.
  readonly json: any;
  /** Each `Set-Cookie`, by the name of its cookie. */
  readonly setCookies: ReadonlyMap<string, string>;
}

interface Sent {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** A browser with a cookie jar of one site. It sends what browsers send with a request from a page of that site. */
export class Browser {
  readonly origin: string;
  readonly jar = new Map<string, string>();
  userAgent = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/142.0.0.0 Safari/537.36';
  /** Where requests go: another replica of the same site. Default: the origin. */
  at: string;

  constructor(origin: string, at = origin) {
    this.origin = origin;
    this.at = at;
  }

  get cookies(): string {
    return [...this.jar].map(([name, value]) => `${name}=${value}`).join('; ');
  }

  get(path: string, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
    return this.send(path, { headers });
  }

  /** Sends a form with the token of the page that it is on. */
  async post(
    path: string,
    fields: Readonly<Record<string, string>> = {},
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Answer> {
    const csrf = await this.csrfToken();
    const body = new URLSearchParams({ csrf, ...fields }).toString();
    const type = { 'content-type': 'application/x-www-form-urlencoded' };
    return this.send(path, { method: 'POST', headers: { ...type, ...headers }, body });
  }

  /** Calls the API as a script does. */
  async call(method: string, path: string, body?: object): Promise<Answer> {
    const csrf = await this.csrfToken();
    const json = body === undefined ? {} : { body: JSON.stringify(body) };
    const type = body === undefined ? {} : { 'content-type': 'application/json' };
    return this.send(path, { method, headers: { 'x-csrf-token': csrf, ...type }, ...json });
  }

  async csrfToken(): Promise<string> {
    return (await this.get('/api/session')).json.csrfToken;
  }

  async signIn(username: string, password: string): Promise<Answer> {
    return this.post('/sign-in', { username, password, next: '/devices' });
  }

  async send(path: string, { method = 'GET', headers = {}, body }: Sent = {}): Promise<Answer> {
    const sourced = method === 'GET' ? {} : { origin: this.origin, 'sec-fetch-site': 'same-origin' };
    const cookie = this.jar.size === 0 ? {} : { cookie: this.cookies };
    const response = await fetch(this.at + path, {
      method,
      redirect: 'manual',
      headers: { 'user-agent': this.userAgent, ...cookie, ...sourced, ...headers },
      ...(body !== undefined && { body }),
    });
    const setCookies = new Map(
      response.headers.getSetCookie().map((text) => [text.split('=', 1)[0] ?? '', text] as const),
    );
    this.keep(setCookies);
    const text = await response.text();
    return { status: response.status, headers: response.headers, text, json: parsed(text), setCookies };
  }

  /** As browsers do with `Set-Cookie`. */
  keep(setCookies: ReadonlyMap<string, string>): void {
    for (const [name, text] of setCookies) {
      const value = text.slice(name.length + 1).split(';', 1)[0] ?? '';
      if (/Max-Age=0/i.test(text)) this.jar.delete(name);
      else this.jar.set(name, value);
    }
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
