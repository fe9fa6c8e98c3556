import { describe, expect, test } from '@jest/globals';
import { MemoryRevocationLog } from '../../src/adapters/memory/memory-revocation-log.ts';
import { revocationLogLaw } from '../conformance/revocation-log.ts';
import { HOUR, ids } from '../support/sessions.ts';

revocationLogLaw('memory', async () => {
  const log = new MemoryRevocationLog(HOUR);
  return { log, close: () => log.close() };
});

describe('the memory revocation log', () => {
  test('drops entries older than the retention', async () => {
    const log = new MemoryRevocationLog(HOUR);
    const revocation = (endedAt: number) =>
      log.append(
        {
          kind: 'user',
          userId: ids.next(endedAt),
          cutoff: endedAt,
          reason: 'RISK',
          endedAt,
          expiresAt: endedAt,
        },
        endedAt,
      );
    await revocation(0);
    const kept = [await revocation(HOUR / 2), await revocation(HOUR + 1)];
    expect((await log.read(undefined, 0)).map(({ revision }) => revision)).toEqual(kept);
  });
});
