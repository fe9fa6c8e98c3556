import { startOptions } from '../node-options.ts';
import { forkModule, nextMessage, stop } from '../processes.ts';

export interface EchoServer {
  readonly port: number;
  readonly pid: number;
  stop(): Promise<void>;
}

/** What an echo process is told: the ValidateResponse it shall answer, encoded. */
export interface EchoOrder {
  readonly validateResponse: Uint8Array;
}

/** Starts the yardstick: grpc-js, the same messages, the same options of Node, an empty handler. */
export async function startEcho(validateResponse: Uint8Array): Promise<EchoServer> {
  const child = forkModule('servers/echo-process.ts', 'the echo server', startOptions);
  child.send({ validateResponse } satisfies EchoOrder);
  const port = await nextMessage<number>(child);
  if (child.pid === undefined) throw new Error('the echo server did not start');
  return { port, pid: child.pid, stop: () => stop(child) };
}
