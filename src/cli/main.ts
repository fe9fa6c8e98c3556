#!/usr/bin/env node
import { nodeVersionFault } from '../node-version.ts';

// What is imported statically is linked before this runs, and an older Node.js fails in the midst of it.
const fault = nodeVersionFault(process.versions.node);
if (fault === undefined) {
  process.exitCode = await run();
} else {
  process.stderr.write(`${fault}\n`);
  process.exitCode = 1;
}

async function run(): Promise<number> {
  const { runCommand } = await import('./program.ts');
  const controller = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    // The command gives up what it waits for and still signs out; a second signal ends it where it stands.
    process.once(signal, () => controller.abort());
  }
  return runCommand(process.argv.slice(2), {
    env: process.env,
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    signal: controller.signal,
  });
}
