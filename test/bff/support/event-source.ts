import type { Browser } from './browser.ts';

interface ReceivedEvent {
  readonly event: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** Reads an event stream as browsers do. */
export class EventSourceOf {
  readonly events: ReceivedEvent[] = [];
  readonly status: number;
  readonly headers: Headers;
  isOver = false;
  readonly #gone: AbortController;

  private constructor(response: Response, gone: AbortController) {
    this.status = response.status;
    this.headers = response.headers;
    this.#gone = gone;
    void this.#read(response).finally(() => {
      this.isOver = true;
    });
  }

  static async open(browser: Browser, path: string): Promise<EventSourceOf> {
    const gone = new AbortController();
    const headers = { cookie: browser.cookies, accept: 'text/event-stream' };
    return new EventSourceOf(await fetch(browser.at + path, { headers, signal: gone.signal }), gone);
  }

  /** The data of all events with this name. */
  data(name: string): readonly ReceivedEvent['data'][] {
    return this.events.filter(({ event }) => event === name).map(({ data }) => data);
  }

  close(): void {
    this.#gone.abort();
  }

  async #read({ body }: Response): Promise<void> {
    let text = '';
    const decoder = new TextDecoder();
    try {
      for await (const chunk of body ?? []) {
        text += decoder.decode(chunk as Uint8Array, { stream: true });
        const blocks = text.split('\n\n');
        text = blocks.pop() ?? '';
        for (const block of blocks) this.#take(block);
      }
    } catch {
      // The test or the server closed the stream.
    }
  }

  #take(block: string): void {
    const [, event] = /^event: (.*)$/m.exec(block) ?? [];
    const [, data = '{}'] = /^data: (.*)$/m.exec(block) ?? [];
    if (event !== undefined) this.events.push({ event, data: JSON.parse(data) });
  }
}
