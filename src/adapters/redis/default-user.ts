import { Cluster, type Redis } from 'ioredis';
import type { RedisClient } from './connection.ts';

/** A key with latchkey's prefix. Used only in dry runs; nothing is written. */
const KEY = 'lk:{rights}';
/** Commands that almost every MULTI in the append-only file contains. */
const WRITES = [
  ['HSET', KEY, 'field', 'value'],
  ['PEXPIREAT', KEY, '1'],
] as const;

/**
 * Finds the nodes, as `host:port`, that drop writes when they restart. When Redis loads its append-only file, it runs
 * each MULTI with the permissions of the user `default`, even if that user is off (redis#14541). Redis stores a script
 * that writes more than once as a MULTI.
 *
 * Waits until the client is connected. Omits a node that refuses `INFO` or `ACL DRYRUN`.
 */
export async function nodesThatDropWrites(client: RedisClient): Promise<readonly string[]> {
  await ready(client);
  const nodes = client instanceof Cluster ? client.nodes('master') : [client];
  const found = await Promise.all(nodes.map((node) => dropsWrites(node).catch(() => false)));
  return nodes.filter((_, index) => found[index]).map(({ options }) => `${options.host}:${options.port}`);
}

async function dropsWrites(node: Redis): Promise<boolean> {
  // ioredis connects to a cluster node on its first command.
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
