import { Cluster } from 'ioredis';
import type { RedisClient } from './connection.ts';

/** A primary did not answer, so it cannot be said whether one was replaced. */
const UNKNOWN = 'unknown';

/**
 * The replication ids of all primaries of a cluster, as text to compare: another text means that one was replaced or
 * restarted, and may have lost writes. Empty where Redis is no cluster: a script sees its own node's id.
 */
export async function clusterPrimaries(client: RedisClient): Promise<string> {
  if (!(client instanceof Cluster)) return '';
  try {
    const ids = await Promise.all(
      client.nodes('master').map(async (node) => {
        const [, id] = /master_replid:([0-9a-f]+)/.exec(await node.info('replication')) ?? [];
        if (id === undefined) throw new Error('INFO names no replication id');
        return id;
      }),
    );
    return ids.sort().join(',');
  } catch {
    return UNKNOWN;
  }
}
