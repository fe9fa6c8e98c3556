import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { freePort, stop, watch } from '../processes.ts';

export interface Redis {
  readonly url: string;
  readonly port: number;
  stop(): Promise<void>;
}

/** A Redis of our own that writes nothing to disk: what is measured is latchkey, not a disk. */
export async function startRedis(folder: string): Promise<Redis> {
  const port = await freePort();
  const child = watch(
    spawn(
      'redis-server',
      [
        ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder],
        ['--save', '', '--appendonly', 'no', '--maxmemory-policy', 'noeviction'],
        // As docs/operations.md advises.
        ['--hash-max-listpack-value', '256'],
      ].flat(),
      { stdio: ['ignore', 'pipe', 'inherit'] },
    ),
    'redis-server',
  );
  await outputHolds(child, 'Ready to accept connections');
  return { url: `redis://127.0.0.1:${port}`, port, stop: () => stop(child) };
}

/** Waits until the child has printed `text`; what it prints later is read and dropped. */
async function outputHolds(child: ChildProcess, text: string): Promise<void> {
  let output = '';
  const said = new Promise<void>((resolve) => {
    child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
      if (output.includes(text)) return;
      output += chunk;
      if (output.includes(text)) resolve();
    });
  });
  const ended = once(child, 'exit').then(() => {
    throw new Error(`redis-server did not start:\n${output}`);
  });
  ended.catch(() => undefined);
  await Promise.race([said, ended]);
}
