import type { EntryPoint, Example } from './client-api.ts';

/** Declarations that the examples assume, in a module that all of them import. */
export const SURROUNDINGS = `
import express from 'express';
import { fastify as createFastify } from 'fastify';
import { connect, expressGuard } from 'latchkey-client';
import { testLatchkey } from 'latchkey-client/testing';

export type { IncomingMessage } from 'node:http';
export { Server } from '@grpc/grpc-js';

const [, , address = '', password = ''] = process.argv;
const credentials = { kind: 'plaintext' } as const;
const username = 'admin';
const front = connect(address, { credentials });

/** New for each example, so that examples can end or close them. */
export async function given() {
  const { tokens, session } = await front.login({ username, password });
  const { accessToken, refreshToken } = tokens;
  const latchkey = connect(address, { credentials, token: accessToken });
  const guard = expressGuard(latchkey);
  const removeOrders: express.RequestHandler = (_request, response) => void response.end();
  const log = { error: (_fields: object) => undefined, warn: (_fields: object) => undefined };
  return {
    ...{ latchkey, username, password, tokens, session, accessToken, refreshToken, guard, log, removeOrders },
    ...{ app: express(), fastify: createFastify(), signInAgain: () => undefined, readFileSync: (_file: string) => '' },
  };
}

export async function givenInTests() {
  const latchkey = testLatchkey();
  return { latchkey, ...(await latchkey.signIn()) };
}
`;
const IMPORTED = ['IncomingMessage', 'Server'];
const GIVEN: Readonly<Record<EntryPoint, readonly [source: string, names: readonly string[]]>> = {
  'latchkey-client': [
    'given',
    [
      ...['latchkey', 'username', 'password', 'tokens', 'session', 'accessToken', 'refreshToken', 'guard'],
      ...['log', 'readFileSync', 'removeOrders', 'app', 'fastify', 'signInAgain'],
    ],
  ],
  'latchkey-client/testing': ['givenInTests', ['latchkey', 'accessToken', 'sessionId', 'userId']],
};

/**
 * The example as a module that exports it as a function. Imports the client's names that the example uses, and passes
 * it the other names.
 *
 * @param exported the names that each entry point exports.
 */
export function moduleOf(
  { entry, code }: Example,
  exported: Readonly<Record<EntryPoint, readonly string[]>>,
): string {
  const named = (names: readonly string[]) => names.filter((name) => new RegExp(`\\b${name}\\b`).test(code));
  const ownNames = named(exported[entry]);
  // Both entry points export a SignedIn. An example uses the one of its own.
  const imports = Object.entries(exported).map(([from, names]) => {
    const wanted = from === entry ? ownNames : named(names).filter((name) => !ownNames.includes(name));
    return `import { ${wanted.join(', ')} } from '${from}';`;
  });
  const [given, names] = GIVEN[entry];
  const taken = named(names);
  return [
    ...imports,
    `import { ${[given, ...named(IMPORTED)].join(', ')} } from './surroundings.mjs';`,
    'export async function run(): Promise<void> {',
    // Each call of it signs in.
    taken.length === 0 ? '' : `const { ${taken.join(', ')} } = await ${given}();`,
    // A block, because an example may declare a name that it would otherwise get.
    `{\n${reachable(code)}\n}`,
    '}\n',
  ].join('\n');
}

/** The example with the address of the test's service, which has no certificate. */
export function reachable(code: string): string {
  return code.replaceAll(
    /'identity[.]internal:50051'(?:, \{)?/g,
    (found) =>
      `process.argv[2] ?? '', { credentials: { kind: 'plaintext' }${found.endsWith('{') ? ',' : ' }'}`,
  );
}
