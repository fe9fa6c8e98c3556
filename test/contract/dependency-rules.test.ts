import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

const root = path.resolve(import.meta.dirname, '../..');
const config = path.join(root, 'dependency-cruiser.config.mjs');

/** For each rule a file, and an import in it that the rule forbids. */
const forbidden: readonly (readonly [rule: string, file: string, specifier: string])[] = [
  ['main-links-nothing', 'main.ts', './start.ts'],
  ['main-links-nothing', 'cli/main.ts', './program.ts'],
  ['main-links-nothing', 'node-version.ts', 'node:sqlite'],
  ['main-starts', 'main.ts', './app.ts'],
  ['start-builds-app', 'start.ts', './grpc/server.ts'],
  ['app-is-the-root', 'cli/root.ts', '../app.ts'],
  ['app-stays-inside', 'app.ts', './client/connect.ts'],
  ['config-knows-domain-types', 'config/tls.ts', '../grpc/server.ts'],
  ['grpc-serves-core', 'grpc/store.ts', '../adapters/redis/store.ts'],
  ['adapters-fill-ports', 'adapters/redis/wire.ts', '../../grpc/server.ts'],
  ['adapters-know-no-service', 'adapters/redis/service.ts', '../../core/user/user-service.ts'],
  ['adapters-are-strangers', 'adapters/sql/cache.ts', '../redis/store.ts'],
  ['core-is-the-domain', 'core/user/stored.ts', '../../adapters/redis/store.ts'],
  ['core-needs-only-crypto', 'core/user/file.ts', 'node:fs'],
  ['validator-is-shared', 'validator/session.ts', '../core/user/user-service.ts'],
  ['validator-needs-only-jose', 'validator/buffer.ts', 'node:crypto'],
  ['telemetry-watches', 'telemetry/calls.ts', '../grpc/server.ts'],
  ['gen-is-generated', 'gen/own.ts', '../core/user/user-service.ts'],
  ['client-is-published', 'client/domain.ts', '../core/user/user-service.ts'],
  ['cli-is-a-client', 'cli/wire.ts', '../gen/identity.ts'],
  ['bff-is-a-client', 'bff/session.ts', '../core/user/user-service.ts'],
  ['drivers-in-adapters', 'app.ts', 'ioredis'],
  ['drivers-in-adapters', 'grpc/database.ts', 'node:sqlite'],
  ['jose-in-two-rooms', 'client/token.ts', 'jose'],
  ['wire-at-the-door', 'app.ts', '@grpc/grpc-js'],
  ['commander-in-cli', 'start.ts', 'commander'],
  ['schemas-in-config', 'grpc/schema.ts', 'valibot'],
  ['meters-in-telemetry', 'grpc/log.ts', 'pino'],
  ['ids-from-app', 'grpc/id.ts', 'uuid'],
  ['no-circles', 'core/user/circle.ts', './user-service.ts'],
  ['no-missing-module', 'grpc/missing.ts', './nowhere.ts'],
  ['no-tools-in-service', 'grpc/tool.ts', 'fast-check'],
];

/** Imports that every rule lets pass. */
const allowed: readonly (readonly [file: string, specifier: string])[] = [
  ['core/user/user-service.ts', './circle.ts'],
  ['start.ts', './app.ts'],
  ['cli/program.ts', '../node-version.ts'],
  ['app.ts', './adapters/redis/store.ts'],
  ['app.ts', './grpc/server.ts'],
  ['adapters/redis/store.ts', '../../core/user/port.ts'],
  ['adapters/redis/store.ts', 'ioredis'],
  ['core/user/port.ts', '../../validator/clock.ts'],
  ['core/user/port.ts', 'node:crypto'],
  ['validator/clock.ts', 'jose'],
  ['client/connect.ts', '../gen/identity.ts'],
  ['client/supported-node.ts', '../node-version.ts'],
  ['client/connect.ts', '@grpc/grpc-js'],
  ['client/testing-tokens.ts', 'jose'],
  ['cli/commands.ts', '../client/connect.ts'],
  ['gen/identity.ts', '@bufbuild/protobuf/wire'],
  ['grpc/server.ts', '../core/user/user-service.ts'],
];

interface Violation {
  readonly rule: { readonly name: string };
  readonly from: string;
}

let house: string;
let violations: readonly Violation[];

/** Writes a house whose files hold nothing but imports. */
function build(imports: readonly (readonly [file: string, specifier: string])[]): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'latchkey-rules-'));
  symlinkSync(path.join(root, 'node_modules'), path.join(folder, 'node_modules'));
  symlinkSync(path.join(root, 'package.json'), path.join(folder, 'package.json'));
  for (const file of new Set(imports.map(([name]) => name))) {
    const lines = imports
      .filter(([name]) => name === file)
      .map(([, specifier]) => `import type {} from '${specifier}';\n`);
    mkdirSync(path.dirname(path.join(folder, 'src', file)), { recursive: true });
    writeFileSync(path.join(folder, 'src', file), lines.join(''));
  }
  return folder;
}

/** Which files break which rule. */
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
    throw new Error(`nothing was cruised: ${run.stderr}`);
  }
  return (JSON.parse(run.stdout) as { summary: { violations: Violation[] } }).summary.violations;
}

beforeAll(() => {
  house = build([...forbidden.map(([, file, specifier]) => [file, specifier] as const), ...allowed]);
  violations = cruise(house);
});

afterAll(() => {
  rmSync(house, { recursive: true, force: true });
});

describe('the dependency rules', () => {
  test.each(forbidden)('%s stops src/%s from importing %s', (rule, file) => {
    expect(
      violations.filter((found) => found.from === `src/${file}`).map((found) => found.rule.name),
    ).toContain(rule);
  });

  test('let pass what the design allows', () => {
    const guilty = new Set(forbidden.map(([, file]) => `src/${file}`));
    const innocent = new Set(allowed.map(([file]) => `src/${file}`).filter((file) => !guilty.has(file)));
    expect(
      violations.filter((found) => innocent.has(found.from) && found.rule.name !== 'no-circles'),
    ).toStrictEqual([]);
  });

  test('are all seen to fail here', async () => {
    const rules = (await import(config)) as { default: { forbidden: readonly { name: string }[] } };
    expect(new Set(forbidden.map(([rule]) => rule))).toStrictEqual(
      new Set(rules.default.forbidden.map((rule) => rule.name)),
    );
  });
});
