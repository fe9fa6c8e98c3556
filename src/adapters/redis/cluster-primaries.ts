import { Cluster } from 'ioredis';
import type { RedisClient } from './connection.ts';

/** A primary did not answer, so it is unknown whether one was replaced. */
const UNKNOWN = 'unknown';

/**
 * The replication ids of all primaries of a cluster, joined into one string. A different string means that a primary
 * was replaced or restarted and may have lost writes. Empty without a cluster: the script reads its own node's id.
 */
export async function clusterPrimaries(client: RedisClient): Promise<string> {
  if (!(client instanceof Cluster)) return '';
  try {
    const ids = await Promise.all(
      client.nodes('master').map(async (node) => {
        const [, id] = /master_replid:([0-9a-f]+)/.exec(await node.info('replication')) ?? [];
        if (id === undefined) throw new Error('INFO has no replication id');
        return id;
      }),
    );
    return ids.sort().join(',');
  } catch {
    return UNKNOWN;
  }
}
