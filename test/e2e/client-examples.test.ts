import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ClientAndService } from '../support/client-and-service.ts';
import { ClientApi, type EntryPoint, type Member } from '../support/client-api.ts';
import { moduleOf, SURROUNDINGS } from '../support/example-code.ts';

let service: ClientAndService;
let api: ClientApi;

beforeAll(async () => {
  service = await ClientAndService.start();
  for (const name of ['express', '@types/express', 'fastify']) service.project.link(name);
  api = new ClientApi(service.project.installed);
}, 120_000);

afterAll(() => service.stop());

const membersThat = (matches: (member: Member) => boolean) =>
  api.exports.flatMap(({ members }) => members.filter(matches).map(({ name }) => name));

describe('every export of the client', () => {
  test('has a doc comment', () => {
    expect(api.exports.length).toBeGreaterThan(50);
    const without = api.exports.filter(({ documentation }) => documentation === '');
    expect(without.map(({ name }) => name)).toEqual([]);
  });

  test('has an example that names it', () => {
    const without = api.exports.filter(
      ({ name, examples }) => !examples.some(({ of, code }) => of === name && code.includes(name)),
    );
    expect(without.map(({ name }) => name)).toEqual([]);
  });

  test('has examples that compile, strict and with exactOptionalPropertyTypes, and run', () => {
    const { project } = service;
    const namesOf = (entry: EntryPoint) =>
      api.exports.filter((each) => each.entry === entry).map(({ name }) => name);
    const exported = {
      'latchkey-client': namesOf('latchkey-client'),
      'latchkey-client/testing': namesOf('latchkey-client/testing'),
    };
    const examples = api.exports.flatMap((each) => each.examples);
    const files = examples.map((example, index) => {
      const file = `${index}-${example.of.replace('.', '-')}.mts`;
      project.write(`examples/${file}`, moduleOf(example, exported));
      return file.replace('.mts', '.mjs');
    });
    project.write('examples/surroundings.mts', SURROUNDINGS);
    const steps = files.map((file) => `console.log('${file}');\nawait (await import('./${file}')).run();`);
    project.write('examples/main.mts', [...steps, "console.log('done');", 'process.exit(0);\n'].join('\n'));
    project.tsc(['examples/main.mts'], { rootDir: 'examples', outDir: 'examples/out' });
    const output = project.node(['examples/out/main.mjs', service.address, ClientAndService.password]);
    expect(output).toMatch(/\ndone\n$/);
  }, 120_000);
});

describe('every optional field of the client', () => {
  test('states its default', () => {
    expect(membersThat(({ isOptional }) => isOptional).length).toBeGreaterThan(30);
    expect(
      membersThat(({ isOptional, documentation }) => isOptional && !documentation.includes('Default')),
    ).toEqual([]);
  });

  test('states its unit, if it is a length of time', () => {
    expect(
      membersThat(
        ({ name, documentation }) => name.endsWith('Ms') && !/millisecond|\bms\b/.test(documentation),
      ),
    ).toEqual([]);
  });

  test('accepts undefined, except the token: an unset variable must not make calls anonymous', () => {
    expect(membersThat(({ isOptional, acceptsUndefined }) => isOptional && !acceptsUndefined)).toEqual([
      'ConnectOptions.token',
    ]);
  });
});

test("every instant in the client's types is a Date", () => {
  const times = /(?:At|From|Until|Deadline|[.]asOf|[.]cutoff)$/;
  expect(membersThat(({ name }) => times.test(name)).length).toBeGreaterThan(10);
  expect(membersThat(({ name, type }) => times.test(name) && type !== 'Date')).toEqual([]);
});

test.each(['login', 'refresh', 'logout'])('%s takes and returns no type of the generated code', (method) => {
  expect(api.generatedTypesOf('LatchkeyClient', method)).toEqual([]);
});

test('the check finds generated types, as users has them', () => {
  expect(api.generatedTypesOf('LatchkeyClient', 'users')).toContain('User');
});
