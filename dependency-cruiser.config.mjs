// Who may import whom. The rules hold for every import, of a type or of a value, and each can be seen to
// fail in test/contract/dependency-rules.test.ts.

/** Everything of ours that a room may not reach: `src` without the room itself and what it is allowed. */
function only(name, room, allowed, comment) {
  return {
    name,
    comment,
    severity: 'error',
    from: { path: `^src/${room}` },
    to: { path: '^src/', pathNot: [room, ...allowed].map((path) => `^src/${path}`) },
  };
}

/** A package (or Node's module) that only some rooms may import. */
function confined(name, packages, rooms, comment) {
  return {
    name,
    comment,
    severity: 'error',
    from: { path: '^src/', pathNot: rooms.map((path) => `^src/${path}`) },
    to: {
      path: packages.map((found) => (found.startsWith('node:') ? `^${found}$` : `node_modules/${found}/`)),
    },
  };
}

/** Folders of a room in their order: one may import those before it, and none after it. */
function inOrder(room, folders) {
  return folders.slice(0, -1).map((folder, index) => ({
    name: `${room}-order-${folder}`,
    comment: `The folders of ${room} are in import order: ${folders.join(', ')}.`,
    severity: 'error',
    from: { path: `^src/${room}/${folder}/` },
    to: { path: `^src/${room}/(?:${folders.slice(index + 1).join('|')})/` },
  }));
}

const CORE_FOLDERS = [
  ...['user', 'password', 'keys', 'audit'],
  ...['revocation', 'session', 'validation', 'sign-in', 'administration'],
];

const order = [
  ...inOrder('core', CORE_FOLDERS),
  {
    name: 'core-order-base',
    comment: 'Failures, clocks and ids are below all folders of core.',
    severity: 'error',
    from: { path: '^src/core/[^/]+[.]ts$' },
    to: { path: '^src/core/[^/]+/' },
  },
  ...inOrder('client', ['transport', 'local', 'guard', 'testing']),
  {
    name: 'client-order-base',
    comment: 'connect and what belongs to it put the folders together; none of them imports these files.',
    severity: 'error',
    from: { path: '^src/client/[^/]+/' },
    to: { path: '^src/client/[^/]+[.]ts$' },
  },
];

const rooms = [
  {
    name: 'main-imports-only-start',
    comment: 'An older Node.js is told in one sentence: before that, nothing is linked that it cannot link.',
    severity: 'error',
    from: { path: '^src/((cli/)?main|node-version)[.]ts$' },
    to: { dynamic: false, pathNot: '^src/node-version[.]ts$' },
  },
  only(
    'main-starts',
    'main[.]ts$',
    ['node-version[.]ts$', 'start[.]ts$'],
    'main looks at Node.js and starts.',
  ),
  only(
    'start-builds-app',
    'start[.]ts$',
    [
      'app[.]ts$',
      'app/workers/',
      'app/reset-admin[.]ts$',
      'app/startup-error[.]ts$',
      'greeting[.]ts$',
      'config',
      'telemetry/',
    ],
    'start reads the config, builds the app or supervises those who do, greets, and ends; or runs a command.',
  ),
  {
    name: 'app-is-the-root',
    comment:
      'The composition root and its parts are reached from start (and tests) only; what came of it is told.',
    severity: 'error',
    from: { path: '^src/', pathNot: '^src/(start|app)([.]ts$|/)' },
    to: { path: '^src/app([.]ts$|/)', pathNot: '^src/app/started[.]ts$' },
  },
  {
    name: 'app-stays-inside',
    comment: 'The service does not depend on its own clients.',
    severity: 'error',
    from: { path: '^src/app([.]ts$|/)' },
    to: { path: '^src/(client|bff|cli)/' },
  },
  only(
    'config-knows-domain-types',
    'config',
    ['core/', 'validator/'],
    'Configuration is made of domain values.',
  ),
  only(
    'grpc-serves-core',
    'grpc/',
    ['core/', 'validator/', 'gen/', 'telemetry/'],
    'The door knows the house, not the stores.',
  ),
  only(
    'adapters-fill-ports',
    'adapters/',
    ['core/', 'validator/'],
    'An adapter knows the port it fills, and what core itself imports from the validator.',
  ),
  {
    name: 'adapters-know-no-service',
    comment: 'A service uses ports; an adapter that calls a service would turn the house round.',
    severity: 'error',
    from: { path: '^src/adapters/' },
    to: { path: '^src/core/.*-service[.]ts$' },
  },
  {
    name: 'no-import-between-adapters',
    comment:
      'Each driver can be taken out without another one noticing. A file beside the folders is for all of them.',
    severity: 'error',
    from: { path: '^src/adapters/([^/]+)/' },
    to: { path: '^src/adapters/[^/]+/', pathNot: '^src/adapters/$1/' },
  },
  {
    name: 'adapters-order-base',
    comment: 'What all adapters share knows none of them.',
    severity: 'error',
    from: { path: '^src/adapters/[^/]+[.]ts$' },
    to: { path: '^src/adapters/[^/]+/' },
  },
  only(
    'core-is-the-domain',
    'core/',
    ['validator/'],
    'The domain knows no wire, no store and no environment.',
  ),
  {
    name: 'core-needs-only-crypto',
    comment: 'The domain has no library and, of Node, only node:crypto.',
    severity: 'error',
    from: { path: '^src/core/' },
    to: { pathNot: ['^src/', '^(node:)?crypto$'] },
  },
  only('validator-is-shared', 'validator/', [], 'Server and client judge tokens with the same code.'),
  {
    name: 'validator-needs-only-jose',
    comment: 'It is published inside the client: jose is all it may bring along.',
    severity: 'error',
    from: { path: '^src/validator/' },
    to: { pathNot: ['^src/', 'node_modules/jose/'] },
  },
  only(
    'telemetry-watches',
    'telemetry/',
    ['core/', 'validator/'],
    'What is measured does not depend on how it is served.',
  ),
  only('gen-is-generated', 'gen/', [], 'Generated code stands alone.'),
  only(
    'client-is-published',
    'client/',
    ['gen/', 'validator/', 'node-version[.]ts$'],
    'The published package carries nothing of the server.',
  ),
  only(
    'cli-is-a-client',
    'cli/',
    ['client/', 'node-version[.]ts$'],
    'The command can do what any client can, and no more.',
  ),
  only('bff-is-a-client', 'bff/', ['client/'], 'The BFF can do what any client can, and no more.'),
];

const libraries = [
  confined(
    'drivers-in-adapters',
    ['ioredis', 'kysely', 'pg', 'bcrypt', 'node:sqlite'],
    ['adapters/'],
    'A driver is known to its adapter only.',
  ),
  confined(
    'jose-in-two-rooms',
    ['jose'],
    ['validator/', 'adapters/jose/', 'client/testing/test-tokens[.]ts$'],
    "Tokens are judged and made in one place each. One more file makes them for the tests of the client's users.",
  ),
  confined(
    'wire-at-the-door',
    ['@grpc/[^/]+', 'grpc-health-check'],
    ['grpc/', 'client/', 'gen/'],
    'gRPC ends at the door.',
  ),
  confined('commander-in-cli', ['commander'], ['cli/'], 'Arguments are the command line.'),
  confined('schemas-in-config', ['valibot'], ['config'], 'Only the environment is read with a schema.'),
  confined(
    'meters-in-telemetry',
    ['pino', 'prom-client'],
    ['telemetry/'],
    'Logging and metrics are handed in.',
  ),
  confined('ids-from-app', ['uuid'], ['app[.]ts$'], 'Ids come from the IdSource that app constructs.'),
];

const hygiene = [
  {
    name: 'no-circles',
    comment: 'What imports each other cannot be read, tested or replaced alone.',
    severity: 'error',
    from: {},
    to: { circular: true },
  },
  {
    name: 'no-re-exports',
    comment:
      'Everything is imported from the file that declares it. Only the entry points of the client export more.',
    severity: 'error',
    from: { path: '^src/', pathNot: '^src/client/(testing/)?index[.]ts$' },
    to: { dependencyTypes: ['export'] },
  },
  {
    name: 'no-missing-module',
    comment: 'Every import resolves to a file, a module of Node, or a dependency that package.json names.',
    severity: 'error',
    from: {},
    to: { couldNotResolve: true },
  },
  {
    name: 'no-tools-in-service',
    comment: 'A package that is not installed in production cannot be imported there.',
    severity: 'error',
    from: { path: '^src/' },
    to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'] },
  },
];

export default {
  forbidden: [...rooms, ...order, ...libraries, ...hygiene],
  options: {
    // TypeScript 7 has no compiler API, so the imports are found by swc.
    parser: 'swc',
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: {
      extensions: ['.ts', '.js', '.json'],
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default'],
    },
  },
};
