import { MemoryRevocationLog } from '../../src/adapters/memory/memory-revocation-log.ts';
import { storeUnavailable } from '../../src/core/failure.ts';

/** A log whose appends can be made to fail, like those of an unavailable store. */
export class UncertainLog extends MemoryRevocationLog {
  broken = false;
  appended = 0;

  override async append(...given: Parameters<MemoryRevocationLog['append']>): Promise<string> {
    if (this.broken) throw storeUnavailable('revocations', new Error('cut'));
    this.appended += 1;
    return super.append(...given);
  }
}
