import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { optionsOf, startOptions } from '../../scripts/bench/servers/stand.ts';

const root = path.resolve(import.meta.dirname, '../..');
const text = (file: string) => readFileSync(path.join(root, file), 'utf8');

describe('the start command', () => {
  it('limits the heap, however the service is started', () => {
    const sizes = ['--max-semi-space-size=8', '--initial-old-space-size=96', '--heap-growing-percent=100'];
    expect(startOptions).toEqual(expect.arrayContaining(sizes));
  });

  it('passes the same options to Node in npm start and scripts/run', () => {
    const command = /^exec [\s\S]*?main\.js/m.exec(text('scripts/run'))?.[0] ?? '';
    expect(optionsOf(command)).toEqual(startOptions);
  });

  it('passes the same options to Node in npm start and the image', () => {
    const command = JSON.parse(/^CMD (\[.*\])$/m.exec(text('Dockerfile'))?.[1] ?? '[]') as string[];
    expect(command.filter((word) => word.startsWith('--'))).toEqual(startOptions);
  });
});
