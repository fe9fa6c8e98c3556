#!/usr/bin/env node
import { runCommand } from './program.ts';

const controller = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  // The command gives up what it waits for and still signs out; a second signal ends it where it stands.
  process.once(signal, () => controller.abort());
}

process.exitCode = await runCommand(process.argv.slice(2), {
  env: process.env,
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  signal: controller.signal,
});
