import { afterEach, describe, expect, jest, test } from '@jest/globals';
import type { Access } from '../../src/client/guard/access.ts';
import { expressGuard, type Middleware } from '../../src/client/guard/express-guard.ts';
import { fastifyGuard } from '../../src/client/guard/fastify-guard.ts';
import { grpcGuard } from '../../src/client/guard/grpc-guard.ts';
import { FakeValidator } from './support/fake-validator.ts';

const client = new FakeValidator();
const { anyRole } = expressGuard(client);

type Given = Parameters<Middleware>;

/** Whether the guard admits a caller with this token. */
async function passes(guard: Middleware, token: string): Promise<boolean> {
  const request = { rawHeaders: ['authorization', `Bearer ${token}`] } as unknown as Given[0];
  return new Promise((resolve) => {
    const answered = { end: () => resolve(false) };
    const response = { headersSent: false, closed: false, once: jest.fn(), writeHead: () => answered };
    guard(request, response as unknown as Given[1], () => resolve(true));
  });
}

afterEach(() => {
  jest.restoreAllMocks();
});

describe('anyRole', () => {
  test.each([
    ['one role', anyRole('admin')],
    ['several roles', anyRole('owner', 'admin')],
    ['a list of roles', anyRole(['owner', 'admin'])],
    ['lists and roles', anyRole(['admin'], 'owner')],
  ])('accepts %s, and admits callers with one of them', async (_what, guard) => {
    expect(await passes(guard, 'admin')).toBe(true);
    expect(await passes(guard, 'ada')).toBe(false);
  });

  test.each([
    ['nothing', []],
    ['an empty list', [[]]],
    ['an empty role', ['admin', '']],
    ['a role that is not there', [undefined]],
  ])('refuses %s when it is called', (_what, given) => {
    const call = () => anyRole(...(given as string[]));
    expect(call).toThrow(TypeError);
    expect(call).toThrow("anyRole needs at least one role, each a non-empty string: anyRole('admin').");
  });
});

test.each([
  ['gRPC', (access: Access) => grpcGuard(client, { rules: { '/a.B/C': access } })],
  ['gRPC by default', (access: Access) => grpcGuard(client, { otherwise: access })],
  ['Fastify', (access: Access) => fastifyGuard(client, { otherwise: access })],
])('a rule for %s with an empty list of roles is refused at startup', (_what, make) => {
  expect(() => make({ anyRole: [] })).toThrow(/: anyRole needs at least one role/);
  expect(() => make({ anyRole: [''] })).toThrow(/: anyRole needs at least one role/);
  expect(() => make({ anyRole: ['admin'] })).not.toThrow();
});
