import { type Access, checkedAccess } from './access.ts';

/**
 * Access by method: `/pkg.Service/Method`, or `/pkg.Service/*` for all methods without their own rule.
 *
 * @example
 * const rules: MethodRules = { '/shop.Orders/*': 'signed-in', '/shop.Orders/Delete': { anyRole: ['admin'] } };
 */
export type MethodRules = Readonly<Record<string, Access>>;

const PATTERN = /^\/[A-Za-z_][\w.]*\/(\*|[A-Za-z_]\w*)$/;

/** Methods that load balancers and tools call without a token. */
const PUBLIC_BY_DEFAULT: MethodRules = {
  '/grpc.health.v1.Health/*': 'public',
  '/grpc.reflection.v1.ServerReflection/*': 'public',
  '/grpc.reflection.v1alpha.ServerReflection/*': 'public',
};

/**
 * Returns a lookup by full path: the rule of the method, else the rule of its service, else `otherwise`.
 * Throws a `TypeError` for a malformed rule. It cannot check that the method exists.
 */
export function accessByMethod(rules: MethodRules, otherwise: Access): (path: string) => Access {
  for (const [pattern, access] of Object.entries(rules)) {
    if (!PATTERN.test(pattern)) {
      throw new TypeError(`${pattern}: a rule must name '/pkg.Service/Method' or '/pkg.Service/*'.`);
    }
    checkedAccess(access, pattern);
  }
  checkedAccess(otherwise, 'otherwise');
  const table = new Map(Object.entries({ ...PUBLIC_BY_DEFAULT, ...rules }));
  return (path) => table.get(path) ?? table.get(`${path.slice(0, path.lastIndexOf('/'))}/*`) ?? otherwise;
}
