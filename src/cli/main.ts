#!/usr/bin/env node
import { nodeVersionProblem } from '../node-version.ts';

// The program is imported dynamically below: an older Node.js would fail while linking it, before this check.
const fault = nodeVersionProblem(process.versions.node);
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
    // The first signal cancels the call in progress; the command still signs out. A second signal kills it.
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
