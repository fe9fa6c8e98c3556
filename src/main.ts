import { nodeVersionProblem } from './node-version.ts';

// A static import would be linked before this check, and an older Node.js cannot link node:sqlite.
const fault = nodeVersionProblem(process.versions.node);
if (fault === undefined) {
  const { start } = await import('./start.ts');
  process.exitCode = await start(process.argv.slice(2));
  // The IPC channel would keep a worker alive. If the worker closed it, node:cluster would exit with code 0.
  if (process.connected) process.exit();
} else {
  process.stderr.write(`${fault}\n`);
  process.exitCode = 1;
}
