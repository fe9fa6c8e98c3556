import { Cluster, type Redis } from 'ioredis';
import type { RedisClient } from './connection.ts';

/** A key that latchkey owns; nothing is written to it. */
const KEY = 'lk:{rights}';
/** What nearly every MULTI of the append-only file contains. */
const WRITES = [
  ['HSET', KEY, 'field', 'value'],
  ['PEXPIREAT', KEY, '1'],
] as const;

/**
 * The nodes, as `host:port`, that drop writes when they are restarted. While Redis loads its append-only file it runs
 * each MULTI only if its user `default` may, even if that user is off (redis#14541); a script that writes more than
 * once is such a MULTI.
 *
 * Waits until the client is connected. A node that does not let itself be asked (`INFO`, `ACL DRYRUN`) is left out.
 */
export async function nodesThatDropWrites(client: RedisClient): Promise<readonly string[]> {
  await ready(client);
  const nodes = client instanceof Cluster ? client.nodes('master') : [client];
  const found = await Promise.all(nodes.map((node) => dropsWrites(node).catch(() => false)));
  return nodes.filter((_, index) => found[index]).map(({ options }) => `${options.host}:${options.port}`);
}

async function dropsWrites(node: Redis): Promise<boolean> {
  // A cluster connects to a node when it is first needed.
  if (node.status === 'wait') node.connect().catch(() => undefined);
  await ready(node);
  if (!/^aof_enabled:1\s*$/m.test(await node.info('persistence'))) return false;
  const answers = await Promise.all(WRITES.map((write) => node.call('ACL', 'DRYRUN', 'default', ...write)));
  return answers.some((answer) => answer !== 'OK');
}

async function ready(client: RedisClient): Promise<void> {
  if (client.status === 'ready') return;
  await new Promise<void>((resolve) => client.once('ready', resolve));
}
