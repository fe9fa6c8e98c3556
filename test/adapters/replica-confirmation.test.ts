import { EventEmitter } from 'node:events';
import { beforeEach, describe, expect, test } from '@jest/globals';
import type { RedisClient } from '../../src/adapters/redis/connection.ts';
import { ReplicaConfirmation } from '../../src/adapters/redis/durability.ts';

/** A cluster that confirms every WAIT on request. */
class ConfirmingCluster extends EventEmitter {
  readonly isCluster = true;
  readonly waiting: (() => void)[] = [];
  primaries = [new FakeNode(1), new FakeNode(2)];

  nodes(): readonly FakeNode[] {
    return this.primaries;
  }

  pipeline() {
    const exec = () =>
      new Promise((resolve) => {
        const replies = [
          [null, 1],
          [null, 1],
        ];
        this.waiting.push(() => resolve(replies));
      });
    const sent = { pexpire: () => sent, set: () => sent, wait: () => sent, exec };
    return sent;
  }
}

class FakeNode extends EventEmitter {
  readonly options: { readonly host: string; readonly port: number };

  constructor(port: number) {
    super();
    this.options = { host: '127.0.0.1', port };
  }
}

let cluster: ConfirmingCluster;
let replicas: ReplicaConfirmation;

beforeEach(() => {
  cluster = new ConfirmingCluster();
  replicas = new ReplicaConfirmation(cluster as unknown as RedisClient, { waitReplicas: 1, waitMs: 50 });
});

/** Requests the first write, then a second one, which shares the next WAIT. Returns the outcome of the second. */
async function confirmSecond(between: () => void): Promise<string> {
  const first = replicas.confirm('key', 1_000);
  const second = replicas.confirm('key', 1_000).then(
    () => 'confirmed',
    (error: Error) => error.message,
  );
  between();
  cluster.waiting.shift()?.();
  await first;
  await new Promise((resolve) => setImmediate(resolve));
  cluster.waiting.shift()?.();
  return second;
}

describe('a write in a cluster that waits behind another one', () => {
  const GONE = 'the connection that made the write was lost';

  test('is confirmed on the node that stores it', async () => {
    expect(await confirmSecond(() => cluster.emit('refresh'))).toBe('confirmed');
  });

  test('is not confirmed after the connection to a node was lost', async () => {
    expect(await confirmSecond(() => cluster.primaries[0]?.emit('close'))).toBe(GONE);
  });

  test('is not confirmed after the connection to a later node was lost', async () => {
    const node = new FakeNode(3);
    cluster.emit('+node', node);
    expect(await confirmSecond(() => node.emit('close'))).toBe(GONE);
  });

  test('is not confirmed by a node that became the primary in the meantime', async () => {
    const failOver = () => {
      cluster.primaries = [new FakeNode(1), new FakeNode(3)];
      cluster.emit('refresh');
    };
    expect(await confirmSecond(failOver)).toBe(GONE);
  });
});
