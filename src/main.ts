import { nodeVersionFault } from './node-version.ts';

// What is imported statically is linked before this runs, and an older Node.js cannot link the service (node:sqlite).
const fault = nodeVersionFault(process.versions.node);
if (fault === undefined) {
  const { start } = await import('./start.ts');
  process.exitCode = await start(process.argv.slice(2));
  // The channel to the supervisor would keep a worker alive, and node:cluster ends one that closes it with 0.
  if (process.connected) process.exit();
} else {
  process.stderr.write(`${fault}\n`);
  process.exitCode = 1;
}
