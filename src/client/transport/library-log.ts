import { setLogger } from '@grpc/grpc-js';
import { maskCredentials } from '../../validator/masked-credentials.ts';

/** Starts each line with the same letter as grpc-js. */
const write = (mark: 'D' | 'E' | 'I') => (text: unknown) => {
  process.stderr.write(`${mark} ${maskCredentials(String(text))}\n`);
};

/**
 * Masks tokens in the output of `GRPC_TRACE`, where grpc-js prints request headers. Without a trace it does nothing.
 * It runs at import, so a logger that the application sets later replaces it.
 */
export function maskLibraryTrace(environment: Readonly<Record<string, string | undefined>>): void {
  const { GRPC_TRACE, GRPC_NODE_TRACE } = environment;
  if (!GRPC_TRACE && !GRPC_NODE_TRACE) return;
  setLogger({ debug: write('D'), info: write('I'), error: write('E') });
}
