import { once } from 'node:events';
import { freePort } from '../processes.ts';
import { hasRead, type LogPlace } from './population.ts';
import type { Stand } from './stand.ts';

/** Node's inspector may need a moment after the service has said where it listens. */
const GRANTED_MS = 5_000;

/**
 * Bytes of the heap that a process of this service holds once it has read the whole log, garbage taken out. The
 * process is one of its own that nobody calls: load leaves caches behind.
 */
export async function heapAfterStart(stand: Stand, place?: LogPlace): Promise<number> {
  const port = await freePort();
  const server = await stand.another([`--inspect=127.0.0.1:${port}`]);
  const inspector = await Inspector.open(port);
  try {
    if (place !== undefined) await hasRead(server.port, place);
    await inspector.ask('HeapProfiler.collectGarbage');
    await inspector.ask('HeapProfiler.collectGarbage');
    const { usedSize } = (await inspector.ask('Runtime.getHeapUsage')) as { usedSize: number };
    return usedSize;
  } finally {
    inspector.close();
    await server.stop();
  }
}

/** As much of Chrome's protocol as asking needs. */
class Inspector {
  readonly #socket: WebSocket;
  #asked = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
  }

  static async open(port: number): Promise<Inspector> {
    const signal = AbortSignal.timeout(GRANTED_MS);
    const answer = await fetch(`http://127.0.0.1:${port}/json/list`, { signal });
    const [target] = (await answer.json()) as { webSocketDebuggerUrl: string }[];
    const socket = new WebSocket(target?.webSocketDebuggerUrl ?? '');
    await once(socket, 'open', { signal });
    return new Inspector(socket);
  }

  /** One question at a time. */
  async ask(method: string): Promise<unknown> {
    this.#asked += 1;
    const id = this.#asked;
    this.#socket.send(JSON.stringify({ id, method }));
    for (;;) {
      const [event] = (await once(this.#socket, 'message')) as [{ readonly data: string }];
      const answer = JSON.parse(event.data) as { id?: number; result?: unknown };
      if (answer.id === id) return answer.result;
    }
  }

  close(): void {
    this.#socket.close();
  }
}
