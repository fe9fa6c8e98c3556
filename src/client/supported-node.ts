import { nodeVersionFault } from '../node-version.ts';

// The first import of every entry: without it an older Node.js fails later, in the background, and ends the process.
const fault = nodeVersionFault(process.versions.node, 'latchkey-client');
if (fault !== undefined) throw new Error(fault);
