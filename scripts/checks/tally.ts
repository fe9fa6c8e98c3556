// The last step of scripts/test: adds up jest's reports and lists what failed. Arguments: the folder of the reports,
// and the names of the failed steps.
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';

interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  /** Files that could not be run. */
  readonly numRuntimeErrorTestSuites: number;
}

const [folder = '.', ...failedSteps] = process.argv.slice(2);
const reports = globSync('*.json', { cwd: folder }).map(
  (file) => JSON.parse(readFileSync(path.join(folder, file), 'utf8')) as Report,
);
const sum = (count: (report: Report) => number): number =>
  reports.reduce((total, report) => total + count(report), 0);

const failedTests = sum((report) => report.numFailedTests + report.numRuntimeErrorTestSuites);
const skipped = sum((report) => report.numPendingTests);
// A failed step of tests counts its failed tests; any other failed step counts as one.
const otherSteps = failedSteps.filter((name) => failedTests === 0 || !name.startsWith('test'));

console.log();
if (failedSteps.length > 0) {
  console.log(`failed steps: ${failedSteps.join(', ')}`);
}
if (skipped > 0) {
  console.log(`skipped tests: ${skipped}`);
}
console.log(`${sum((report) => report.numPassedTests)} passed, ${failedTests + otherSteps.length} failed`);
process.exitCode = failedTests + failedSteps.length === 0 ? 0 : 1;
