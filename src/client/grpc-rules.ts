import { type Access, checkedAccess } from './access.ts';

/** Access by method: `/pkg.Service/Method`, or `/pkg.Service/*` for every method that has no rule of its own. */
export type MethodRules = Readonly<Record<string, Access>>;

const PATTERN = /^\/[A-Za-z_][\w.]*\/(\*|[A-Za-z_]\w*)$/;

/** What load balancers and tools call before anybody has signed in. */
const PUBLIC_BY_DEFAULT: MethodRules = {
  '/grpc.health.v1.Health/*': 'public',
  '/grpc.reflection.v1.ServerReflection/*': 'public',
  '/grpc.reflection.v1alpha.ServerReflection/*': 'public',
};

/**
 * Answers the access of a method by its full path: the rule for it, else the one for its service, else `otherwise`.
 * Throws a `TypeError` for a rule of no such form. That the method exists cannot be checked.
 */
export function accessByMethod(rules: MethodRules, otherwise: Access): (path: string) => Access {
  for (const [pattern, access] of Object.entries(rules)) {
    if (!PATTERN.test(pattern)) {
      throw new TypeError(`${pattern}: a rule is for '/pkg.Service/Method' or '/pkg.Service/*'.`);
    }
    checkedAccess(access, pattern);
  }
  checkedAccess(otherwise, 'otherwise');
  const table = new Map(Object.entries({ ...PUBLIC_BY_DEFAULT, ...rules }));
  return (path) => table.get(path) ?? table.get(`${path.slice(0, path.lastIndexOf('/'))}/*`) ?? otherwise;
}
