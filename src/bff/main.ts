import { nodeVersionProblem } from '../node-version.ts';

// Imported dynamically, as in the service: an older Node.js could not link the program.
const fault = nodeVersionProblem(process.versions.node, 'latchkey-bff');
if (fault === undefined) {
  const { start } = await import('./start.ts');
  process.exitCode = await start();
} else {
  process.stderr.write(`${fault}\n`);
  process.exitCode = 1;
}
