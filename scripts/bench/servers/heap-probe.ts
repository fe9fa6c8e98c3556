// Imported into a measured service: at SIGUSR2 it collects garbage and logs the heap size.
import { Session } from 'node:inspector/promises';

process.on('SIGUSR2', () => void logHeap());

async function logHeap(): Promise<void> {
  const session = new Session();
  session.connect();
  await session.post('HeapProfiler.collectGarbage');
  await session.post('HeapProfiler.collectGarbage');
  // The function returns undefined, although its type says void.
  const { usedSize } = (await session.post('Runtime.getHeapUsage')) as unknown as { usedSize: number };
  console.log(JSON.stringify({ msg: 'heap', usedBytes: usedSize }));
}
