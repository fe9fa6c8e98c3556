import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { eventually } from '../support/eventually.ts';
import { LatchkeyProcess } from '../support/latchkey-process.ts';

const START_LIMIT_MS = 20_000;

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'latchkey-start-'));
});

afterEach(() => {
  rmSync(root, { recursive: true, force: true });
});

describe('a start that waits', () => {
  test.each(['SIGTERM', 'SIGINT'] as const)('for a locked file is ended by %s', async (signal) => {
    const folder = join(root, 'data');
    mkdirSync(folder, { mode: 0o700 });
    const holder = new DatabaseSync(join(folder, 'latchkey.db'));
    try {
      holder.exec('begin exclusive');
      const service = LatchkeyProcess.begin({ LATCHKEY_DATA_DIR: folder });
      // Created right before the database is opened, which blocks the thread.
      await eventually(() => existsSync(join(folder, 'in-memory.lock')), START_LIMIT_MS);
      expect(await service.stop(signal)).toMatchObject({ code: null, signal });
    } finally {
      holder.close();
    }
  });

  test('for a database that does not respond is ended by SIGTERM, with its workers', async () => {
    const connections: Socket[] = [];
    const silent = createServer((socket) => connections.push(socket));
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    try {
      const service = LatchkeyProcess.begin({
        LATCHKEY_DATABASE_URL: `postgres://latchkey@127.0.0.1:${(silent.address() as AddressInfo).port}/latchkey`,
        LATCHKEY_MASTER_KEY: randomBytes(32).toString('base64url'),
        LATCHKEY_REDIS_URL: 'redis://127.0.0.1:1',
        LATCHKEY_WORKERS: '2',
      });
      await eventually(() => connections.length > 0, START_LIMIT_MS);
      // It has ended when no process has its output open. So the worker has ended too.
      expect(await service.stop()).toMatchObject({ code: 143, signal: null, errors: '' });
    } finally {
      for (const connection of connections) connection.destroy();
      await new Promise((resolve) => silent.close(resolve));
    }
  });
});
