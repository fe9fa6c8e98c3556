/**
 * One process that opens and migrates a database, and then tries each step that only one process may do. Run as `node
 * sql-starter.ts <file or postgres:// address> <number>`; prints the results as JSON.
 */
import { openPostgres } from '../../src/adapters/sql/postgres.ts';
import { openSqlite } from '../../src/adapters/sql/sqlite.ts';
import { outcomeOf } from './failing.ts';
import { aStoredKey } from './stored-keys.ts';
import { aUser } from './users.ts';

const [place = '', number = '0'] = process.argv.slice(2);
const n = Number(number);
const database = place.startsWith('postgres:') ? openPostgres({ url: place }) : openSqlite({ file: place });
await database.migrate();
const first = await database.users.insertFirst(aUser(n));
const key = await database.keys.insertAfter(undefined, aStoredKey(`key-${n}`, 1));
const username = await outcomeOf(database.users.insert(aUser(100 + n, { username: 'wanted' })));
await database.close();
console.log(JSON.stringify({ first, key, username }));
