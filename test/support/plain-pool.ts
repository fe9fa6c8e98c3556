/**
 * The control arm of the PostgreSQL faults: a program that uses pg's pool as its guide describes. Run as `node
 * plain-pool.ts <address>`; prints `ready`, then sends queries until it ends.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { Pool } from 'pg';

const pool = new Pool({ connectionString: process.argv[2], max: 10 });
pool.on('error', () => undefined);

async function ask(): Promise<never> {
  for (;;) {
    try {
      const client = await pool.connect();
      try {
        await client.query('begin');
        await client.query('select 1');
        await client.query('commit');
      } finally {
        client.release();
      }
    } catch {
      await pause(5);
    }
  }
}

await (await pool.connect()).query('select 1');
console.log('ready');
await Promise.all(Array.from({ length: 8 }, ask));
