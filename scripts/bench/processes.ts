import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** How long a child may take to end when asked to, before it is killed. */
const STOP_PATIENCE_MS = 15_000;

const running = new Map<ChildProcess, string>();
const folders = new Set<string>();

// The last resort, whatever ended this process but SIGKILL: a scenario stops its own children in good order.
process.on('exit', () => {
  for (const child of running.keys()) child.kill('SIGKILL');
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});
for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
] as const) {
  process.on(signal, () => process.exit(code));
}

/** Sees to it that the child ends with this process. */
export function watch<Child extends ChildProcess>(child: Child, name: string): Child {
  running.set(child, name);
  child.once('exit', () => running.delete(child));
  child.once('error', () => running.delete(child));
  return child;
}

/** Starts a module of this folder as a Node process of its own, with a channel for messages. */
export function forkModule(module: string, name: string, nodeOptions: readonly string[] = []): ChildProcess {
  return watch(
    fork(path.join(import.meta.dirname, module), {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      execArgv: [...nodeOptions],
      serialization: 'advanced',
    }),
    name,
  );
}

/** The child's next message. Rejects if it ends without one. */
export async function nextMessage<Message>(child: ChildProcess): Promise<Message> {
  const name = running.get(child) ?? 'a child process';
  const given = new AbortController();
  try {
    return await Promise.race([
      once(child, 'message', { signal: given.signal }).then(([message]) => message as Message),
      once(child, 'exit', { signal: given.signal }).then(([code, signal]) => {
        throw new Error(`${name} ended with ${code ?? signal}`);
      }),
    ]);
  } finally {
    given.abort();
  }
}

/** Asks the child to end and waits until it has. */
export async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  const killer = setTimeout(() => child.kill('SIGKILL'), STOP_PATIENCE_MS);
  child.kill('SIGTERM');
  await ended;
  clearTimeout(killer);
}

/** A folder that is removed when this process ends, if not before. */
export function temporaryFolder(): { readonly path: string; remove(): void } {
  const folder = mkdtempSync(path.join(tmpdir(), 'latchkey-bench-'));
  folders.add(folder);
  return {
    path: folder,
    remove: () => {
      rmSync(folder, { recursive: true, force: true });
      folders.delete(folder);
    },
  };
}

/** A port of the loopback address that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port was given');
  return address.port;
}
