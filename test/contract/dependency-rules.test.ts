import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

const root = path.resolve(import.meta.dirname, '../..');
const config = path.join(root, 'dependency-cruiser.config.mjs');

/** For each rule a file, and an import in it that the rule forbids. `export` before the path makes it a re-export. */
const forbidden: readonly (readonly [rule: string, file: string, specifier: string])[] = [
  ['main-loads-on-old-node', 'main.ts', './start.ts'],
  ['main-loads-on-old-node', 'cli/main.ts', './program.ts'],
  ['main-loads-on-old-node', 'node-version.ts', 'node:sqlite'],
  ['main-imports-start', 'main.ts', './app.ts'],
  ['start-builds-app', 'start.ts', './grpc/server.ts'],
  ['app-is-the-root', 'cli/root.ts', '../app.ts'],
  ['app-stays-inside', 'app.ts', './client/connect.ts'],
  ['config-imports-core', 'config/tls.ts', '../grpc/server.ts'],
  ['grpc-serves-core', 'grpc/store.ts', '../adapters/redis/store.ts'],
  ['adapters-implement-ports', 'adapters/redis/wire.ts', '../../grpc/server.ts'],
  ['adapters-call-no-service', 'adapters/redis/service.ts', '../../core/user/user-service.ts'],
  ['no-import-between-adapters', 'adapters/sql/cache.ts', '../redis/store.ts'],
  ['adapters-order-base', 'adapters/deadline.ts', './redis/store.ts'],
  ['core-is-the-domain', 'core/user/stored.ts', '../../adapters/redis/store.ts'],
  ['core-needs-only-crypto', 'core/user/file.ts', 'node:fs'],
  ['validator-is-shared', 'validator/session.ts', '../core/user/user-service.ts'],
  ['validator-needs-only-jose', 'validator/buffer.ts', 'node:crypto'],
  ['telemetry-imports-core', 'telemetry/calls.ts', '../grpc/server.ts'],
  ['gen-is-generated', 'gen/own.ts', '../core/user/user-service.ts'],
  ['client-is-published', 'client/domain.ts', '../core/user/user-service.ts'],
  ['cli-is-a-client', 'cli/wire.ts', '../gen/identity.ts'],
  ['bff-is-a-client', 'bff/session.ts', '../core/user/user-service.ts'],
  ['core-order-audit', 'core/audit/late.ts', '../user/user.ts'],
  ['core-order-user', 'core/user/late.ts', '../password/passwords.ts'],
  ['core-order-password', 'core/password/late.ts', '../keys/key-store.ts'],
  ['core-order-keys', 'core/keys/late.ts', '../session/session.ts'],
  ['core-order-revocation', 'core/revocation/late.ts', '../session/session.ts'],
  ['core-order-session', 'core/session/late.ts', '../validation/token-validation.ts'],
  ['core-order-risk', 'core/risk/late.ts', '../sign-in/login-service.ts'],
  ['core-order-validation', 'core/validation/late.ts', '../sign-in/login-service.ts'],
  ['core-order-sign-in', 'core/sign-in/late.ts', '../administration/users.ts'],
  ['core-order-base', 'core/failure.ts', './user/user.ts'],
  ['client-order-transport', 'client/transport/late.ts', '../local/local-copy.ts'],
  ['client-order-local', 'client/local/late.ts', '../guard/access.ts'],
  ['client-order-guard', 'client/guard/late.ts', '../testing/index.ts'],
  ['client-order-base', 'client/transport/top.ts', '../connect.ts'],
  ['drivers-in-adapters', 'app.ts', 'ioredis'],
  ['drivers-in-adapters', 'grpc/database.ts', 'node:sqlite'],
  ['jose-in-two-rooms', 'client/token.ts', 'jose'],
  ['providers-in-their-adapter', 'core/sign-in/oidc.ts', 'openid-client'],
  ['grpc-libraries-in-grpc-and-client', 'app.ts', '@grpc/grpc-js'],
  ['commander-in-cli', 'start.ts', 'commander'],
  ['qr-images-at-the-edge', 'grpc/image.ts', 'uqr'],
  ['http-server-in-bff', 'telemetry/pages.ts', 'fastify'],
  ['user-agents-in-bff', 'client/device.ts', 'bowser'],
  ['bff-order-config', 'bff/config/variables.ts', '../browser/device.ts'],
  ['bff-order-browser', 'bff/browser/device.ts', '../session/refreshes.ts'],
  ['bff-order-session', 'bff/session/refreshes.ts', '../http/fields.ts'],
  ['bff-order-http', 'bff/http/fields.ts', '../routes/public-routes.ts'],
  ['schemas-in-config', 'grpc/schema.ts', 'valibot'],
  ['meters-in-telemetry', 'grpc/log.ts', 'pino'],
  ['ids-from-app', 'grpc/id.ts', 'uuid'],
  ['no-circles', 'core/user/circle.ts', './user-service.ts'],
  ['no-re-exports', 'core/user/again.ts', 'export ../../validator/clock.ts'],
  ['no-missing-module', 'grpc/missing.ts', './nowhere.ts'],
  ['no-tools-in-service', 'grpc/tool.ts', 'fast-check'],
];

/** Imports that every rule allows. */
const allowed: readonly (readonly [file: string, specifier: string])[] = [
  ['core/user/user-service.ts', './circle.ts'],
  ['start.ts', './app.ts'],
  ['cli/program.ts', '../node-version.ts'],
  ['bff/routes/public-routes.ts', '../session/refreshes.ts'],
  ['app.ts', './adapters/redis/store.ts'],
  ['app.ts', './grpc/server.ts'],
  ['adapters/redis/store.ts', '../../core/user/port.ts'],
  ['adapters/redis/store.ts', '../../validator/clock.ts'],
  ['adapters/redis/store.ts', '../deadline.ts'],
  ['adapters/redis/store.ts', 'ioredis'],
  ['core/user/port.ts', '../../validator/clock.ts'],
  ['core/user/port.ts', 'node:crypto'],
  ['validator/clock.ts', 'jose'],
  ['core/user/user.ts', 'node:crypto'],
  ['core/audit/security-event.ts', 'node:crypto'],
  ['core/user/user.ts', '../audit/security-event.ts'],
  ['core/password/passwords.ts', '../user/user.ts'],
  ['core/keys/key-store.ts', '../user/user.ts'],
  ['core/session/session.ts', '../user/user.ts'],
  ['core/validation/token-validation.ts', '../session/session.ts'],
  ['core/sign-in/login-service.ts', '../session/session.ts'],
  ['core/administration/users.ts', '../sign-in/login-service.ts'],
  ['client/transport/calls.ts', '../../gen/identity.ts'],
  ['client/local/local-copy.ts', '../transport/calls.ts'],
  ['client/guard/access.ts', '../transport/calls.ts'],
  ['client/testing/index.ts', '../guard/access.ts'],
  ['client/connect.ts', './local/local-copy.ts'],
  ['client/connect.ts', '../gen/identity.ts'],
  ['client/transport/supported-node.ts', '../../node-version.ts'],
  ['client/connect.ts', '@grpc/grpc-js'],
  ['client/index.ts', 'export ./connect.ts'],
  ['client/testing/test-tokens.ts', 'jose'],
  ['cli/commands.ts', '../client/connect.ts'],
  ['gen/identity.ts', '@bufbuild/protobuf/wire'],
  ['grpc/server.ts', '../core/user/user-service.ts'],
];

interface Violation {
  readonly rule: { readonly name: string };
  readonly from: string;
}

let project: string;
let violations: readonly Violation[];

/** Writes a project whose files contain only imports. */
function build(imports: readonly (readonly [file: string, specifier: string])[]): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'latchkey-rules-'));
  symlinkSync(path.join(root, 'node_modules'), path.join(folder, 'node_modules'));
  symlinkSync(path.join(root, 'package.json'), path.join(folder, 'package.json'));
  for (const file of new Set(imports.map(([name]) => name))) {
    const lines = imports.filter(([name]) => name === file).map(([, specifier]) => importOf(specifier));
    mkdirSync(path.dirname(path.join(folder, 'src', file)), { recursive: true });
    writeFileSync(path.join(folder, 'src', file), lines.join(''));
  }
  return folder;
}

function importOf(specifier: string): string {
  const path = specifier.replace(/^export /, '');
  return `${path === specifier ? 'import' : 'export'} type {} from '${path}';\n`;
}

/** Checks the folder and returns the violations. */
function cruise(folder: string): readonly Violation[] {
  const run = spawnSync(
    path.join(root, 'node_modules/.bin/node'),
    [
      path.join(root, 'node_modules/dependency-cruiser/bin/dependency-cruiser.mjs'),
      '--config',
      config,
      '--output-type',
      'json',
      'src',
    ],
    { cwd: folder, encoding: 'utf8', maxBuffer: 16 * 1024 * 1024 },
  );
  if (run.stdout === '') {
    throw new Error(`dependency-cruiser printed nothing: ${run.stderr}`);
  }
  return (JSON.parse(run.stdout) as { summary: { violations: Violation[] } }).summary.violations;
}

beforeAll(() => {
  project = build([...forbidden.map(([, file, specifier]) => [file, specifier] as const), ...allowed]);
  violations = cruise(project);
});

afterAll(() => {
  rmSync(project, { recursive: true, force: true });
});

describe('the dependency rules', () => {
  test.each(forbidden)('%s stops src/%s from importing %s', (rule, file) => {
    expect(
      violations.filter((found) => found.from === `src/${file}`).map((found) => found.rule.name),
    ).toContain(rule);
  });

  test('allow the imports of the design', () => {
    const violating = new Set(forbidden.map(([, file]) => `src/${file}`));
    const compliant = new Set(allowed.map(([file]) => `src/${file}`).filter((file) => !violating.has(file)));
    expect(
      violations.filter((found) => compliant.has(found.from) && found.rule.name !== 'no-circles'),
    ).toStrictEqual([]);
  });

  test('all fail in this test', async () => {
    const rules = (await import(config)) as { default: { forbidden: readonly { name: string }[] } };
    expect(new Set(forbidden.map(([rule]) => rule))).toStrictEqual(
      new Set(rules.default.forbidden.map((rule) => rule.name)),
    );
  });
});
