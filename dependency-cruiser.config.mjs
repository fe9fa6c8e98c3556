// Import rules. They apply to imports of types and of values. test/contract/dependency-rules.test.ts shows that each
// rule can fail.

/** A room may import only itself and the allowed rooms from `src`. */
function only(name, room, allowed, comment) {
  return {
    name,
    comment,
    severity: 'error',
    from: { path: `^src/${room}` },
    to: { path: '^src/', pathNot: [room, ...allowed].map((path) => `^src/${path}`) },
  };
}

/** Packages, or modules of Node, that only some rooms may import. */
function confined(name, packages, rooms, comment) {
  return {
    name,
    comment,
    severity: 'error',
    from: { path: '^src/', pathNot: rooms.map((path) => `^src/${path}`) },
    to: {
      path: packages.map((name) => (name.startsWith('node:') ? `^${name}$` : `node_modules/${name}/`)),
    },
  };
}

/** A folder of a room may import the folders listed before it, but none after it. */
function inOrder(room, folders) {
  return folders.slice(0, -1).map((folder, index) => ({
    name: `${room}-order-${folder}`,
    comment: `The folders of ${room} are in import order: ${folders.join(', ')}.`,
    severity: 'error',
    from: { path: `^src/${room}/${folder}/` },
    to: { path: `^src/${room}/(?:${folders.slice(index + 1).join('|')})/` },
  }));
}

const filesBesideFolders = (room) => `^src/${room}/[^/]+[.]ts$`;
const foldersOf = (room) => `^src/${room}/[^/]+/`;

/** Between the folders of a room and the files beside them, imports go one way. `from` and `to` are the wrong way. */
function baseInOrder(room, from, to, comment) {
  return {
    name: `${room}-order-base`,
    comment,
    severity: 'error',
    from: { path: from(room) },
    to: { path: to(room) },
  };
}

const CORE_FOLDERS = [
  ...['audit', 'user', 'password', 'keys'],
  ...['revocation', 'session', 'risk', 'validation', 'sign-in', 'administration'],
];

const order = [
  ...inOrder('core', CORE_FOLDERS),
  baseInOrder(
    'core',
    filesBesideFolders,
    foldersOf,
    'Every folder of core may import the files beside the folders, so these files import no folder.',
  ),
  ...inOrder('bff', ['config', 'browser', 'session', 'http', 'routes']),
  ...inOrder('client', ['transport', 'local', 'guard', 'testing']),
  baseInOrder(
    'client',
    foldersOf,
    filesBesideFolders,
    'connect combines the folders of the client, so no folder imports the files beside them.',
  ),
  baseInOrder(
    'adapters',
    filesBesideFolders,
    foldersOf,
    'Code that all adapters share must not import one of them.',
  ),
];

const rooms = [
  {
    name: 'main-loads-on-old-node',
    comment:
      'main must load on an older Node.js, to say that it is too old. So it imports only the version check.',
    severity: 'error',
    from: { path: '^src/(((cli|bff)/)?main|node-version)[.]ts$' },
    to: { dynamic: false, pathNot: '^src/node-version[.]ts$' },
  },
  only(
    'main-imports-start',
    'main[.]ts$',
    ['node-version[.]ts$', 'start[.]ts$'],
    'main checks the version of Node.js and starts the program.',
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
    'start reads the configuration, then runs the app, supervises workers, or runs a command.',
  ),
  {
    name: 'app-is-the-root',
    comment: 'Only start and tests import the composition root. Others may import the type of its result.',
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
    'config-imports-core',
    'config',
    ['core/', 'validator/'],
    'The configuration consists of domain values.',
  ),
  only(
    'grpc-serves-core',
    'grpc/',
    ['core/', 'validator/', 'gen/', 'telemetry/'],
    'The gRPC layer calls core. It does not use the stores.',
  ),
  only(
    'adapters-implement-ports',
    'adapters/',
    ['core/', 'validator/'],
    'An adapter imports the port that it implements, and the types of the validator that the port uses.',
  ),
  {
    name: 'adapters-call-no-service',
    comment: 'Services call adapters through ports. An adapter must not call a service.',
    severity: 'error',
    from: { path: '^src/adapters/' },
    to: { path: '^src/core/.*-service[.]ts$' },
  },
  {
    name: 'no-import-between-adapters',
    comment:
      'Each driver can be removed without changing another. A file beside the folders is shared by all.',
    severity: 'error',
    from: { path: '^src/adapters/([^/]+)/' },
    to: { path: '^src/adapters/[^/]+/', pathNot: '^src/adapters/$1/' },
  },
  only(
    'core-is-the-domain',
    'core/',
    ['validator/'],
    'The domain uses no wire format, no store and no environment.',
  ),
  {
    name: 'core-needs-only-crypto',
    comment: 'The domain uses no library, and only node:crypto of Node.',
    severity: 'error',
    from: { path: '^src/core/' },
    to: { pathNot: ['^src/', '^(node:)?crypto$'] },
  },
  only('validator-is-shared', 'validator/', [], 'Server and client validate tokens with the same code.'),
  {
    name: 'validator-needs-only-jose',
    comment: 'The client package contains the validator, so jose is its only dependency.',
    severity: 'error',
    from: { path: '^src/validator/' },
    to: { pathNot: ['^src/', 'node_modules/jose/'] },
  },
  only(
    'telemetry-imports-core',
    'telemetry/',
    ['core/', 'validator/'],
    'Telemetry does not depend on the servers.',
  ),
  only('gen-is-generated', 'gen/', [], 'Generated code imports nothing else.'),
  only(
    'client-is-published',
    'client/',
    ['gen/', 'validator/', 'node-version[.]ts$'],
    'The published package contains no server code.',
  ),
  only(
    'cli-is-a-client',
    'cli/',
    ['client/', 'node-version[.]ts$'],
    'The command-line tool uses only the public client.',
  ),
  only(
    'bff-is-a-client',
    'bff/',
    [
      'client/',
      'node-version[.]ts$',
      'config/(config-issue|listen-address|nearest-name|scalars|variable)[.]ts$',
    ],
    'The BFF uses only the public client. Its variables are declared as those of the service are.',
  ),
];

const libraries = [
  confined(
    'drivers-in-adapters',
    ['ioredis', 'kysely', 'pg', 'bcrypt', 'maxmind', 'node:sqlite'],
    ['adapters/'],
    'Only its adapter imports a driver.',
  ),
  confined(
    'jose-in-two-rooms',
    ['jose'],
    ['validator/', 'adapters/jose/', 'client/testing/test-tokens[.]ts$'],
    'One place validates tokens and one signs them. A third file signs tokens for tests of guarded services.',
  ),
  confined(
    'providers-in-their-adapter',
    ['openid-client', 'oauth4webapi'],
    ['adapters/oidc/'],
    'One place speaks OAuth and OpenID Connect.',
  ),
  confined(
    'grpc-libraries-in-grpc-and-client',
    ['@grpc/[^/]+', 'grpc-health-check'],
    ['grpc/', 'client/', 'gen/'],
    'Only the server and the client use gRPC.',
  ),
  confined('commander-in-cli', ['commander'], ['cli/'], 'Only the command-line tool parses arguments.'),
  confined('qr-images-at-the-edge', ['uqr'], ['cli/', 'bff/'], 'Only what people look at draws QR codes.'),
  confined(
    'schemas-in-config',
    ['valibot'],
    ['config', 'bff/config/'],
    'Only the configuration uses schemas.',
  ),
  confined('http-server-in-bff', ['fastify', '@fastify/[^/]+'], ['bff/'], 'Only the BFF serves browsers.'),
  confined('user-agents-in-bff', ['bowser'], ['bff/browser/'], 'Only the BFF reads user agents.'),
  confined(
    'meters-in-telemetry',
    ['pino', 'prom-client'],
    ['telemetry/'],
    'Other rooms get the logger and the metrics as arguments.',
  ),
  confined(
    'ids-from-app',
    ['uuid'],
    ['app/app-context[.]ts$'],
    'Only app creates the IdSource. Other rooms get it as an argument.',
  ),
];

const hygiene = [
  {
    name: 'no-circles',
    comment: 'Files that import each other cannot be read, tested or replaced separately.',
    severity: 'error',
    from: {},
    to: { circular: true },
  },
  {
    name: 'no-re-exports',
    comment:
      'Every name is imported from the file that declares it. Only the entry points of the client re-export.',
    severity: 'error',
    from: { path: '^src/', pathNot: '^src/client/(testing/)?index[.]ts$' },
    to: { dependencyTypes: ['export'] },
  },
  {
    name: 'no-missing-module',
    comment: 'Every import resolves to a file, a module of Node, or a dependency in package.json.',
    severity: 'error',
    from: {},
    to: { couldNotResolve: true },
  },
  {
    name: 'no-tools-in-service',
    comment: 'The service imports only packages that are installed in production.',
    severity: 'error',
    from: { path: '^src/' },
    to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'] },
  },
];

export default {
  forbidden: [...rooms, ...order, ...libraries, ...hygiene],
  options: {
    // TypeScript 7 has no compiler API, so swc finds the imports.
    parser: 'swc',
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: {
      extensions: ['.ts', '.js', '.json'],
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default'],
    },
  },
};
