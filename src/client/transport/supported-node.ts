import { nodeVersionProblem } from '../../node-version.ts';

// The first import of every entry point. Without it, an older Node.js crashes the process later, in the background.
const fault = nodeVersionProblem(process.versions.node, 'latchkey-client');
if (fault !== undefined) throw new Error(fault);
