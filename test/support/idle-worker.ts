import { workerSelf } from '../../src/app/workers/worker.ts';

/** A worker that serves nothing and ends on request. */
const self = workerSelf();
if (self === undefined) throw new Error('to be started by node:cluster');
void self.stopOrder().then(() => process.exit(0));
self.report({ kind: 'serving', firstUser: undefined });
