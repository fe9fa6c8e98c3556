import { setLogger } from '@grpc/grpc-js';
import { maskCredentials } from '../validator/masked-credentials.ts';

/** What grpc-js writes in front of a line. */
const write = (mark: 'D' | 'E' | 'I') => (text: unknown) => {
  process.stderr.write(`${mark} ${maskCredentials(String(text))}\n`);
};

/**
 * With `GRPC_TRACE`, grpc-js prints the headers of the requests that a server gets, with the callers' tokens. They are
 * masked. Runs at import, so that a logger which the application sets stays. Without a trace nothing is changed.
 */
export function maskLibraryTrace(environment: Readonly<Record<string, string | undefined>>): void {
  const { GRPC_TRACE, GRPC_NODE_TRACE } = environment;
  if (!GRPC_TRACE && !GRPC_NODE_TRACE) return;
  setLogger({ debug: write('D'), info: write('I'), error: write('E') });
}
