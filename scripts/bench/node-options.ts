import { readFileSync } from 'node:fs';
import path from 'node:path';

const packageFile = path.resolve(import.meta.dirname, '../../package.json');

/** The options of Node that `npm start` gives the service; the echo gets the same. */
export const startOptions: readonly string[] = optionsOf(
  (JSON.parse(readFileSync(packageFile, 'utf8')) as { scripts: { start: string } }).scripts.start,
);

/** The options in a command line such as `node --one --two=2 main.js`. */
export function optionsOf(command: string): readonly string[] {
  return command.split(' ').filter((word) => word.startsWith('--'));
}
