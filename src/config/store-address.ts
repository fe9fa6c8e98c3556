import * as v from 'valibot';
import { type HostAndPort, parseHostAndPort } from './listen-address.ts';

interface RedisAccess {
  readonly tls: boolean;
  readonly username: string | undefined;
  readonly password: string | undefined;
}

/** The parts of LATCHKEY_REDIS_URL. */
export type RedisUrl = RedisAccess &
  (
    | { readonly kind: 'single'; readonly node: HostAndPort; readonly db: number }
    | {
        readonly kind: 'sentinel';
        readonly sentinels: readonly HostAndPort[];
        readonly master: string;
        readonly db: number;
      }
    | { readonly kind: 'cluster'; readonly nodes: readonly HostAndPort[] }
  );

const REDIS_URL = /^redis(s?)(?:\+(sentinel|cluster))?:\/\/(?:([^@]*)@)?([^/@?#]+)(?:\/([^/?#]*))?$/;
const REDIS_FORMS =
  'must be redis://[user:password@]host[:port][/db], redis+sentinel://[user:password@]host[:port],host[:port]/master-name or ' +
  'redis+cluster://[user:password@]host[:port],host[:port]; rediss for TLS; user and password percent-encoded';
const REDIS_PORT = 6379;
const SENTINEL_PORT = 26_379;
/** An upper bound for the database number. Redis has 16 databases by default. */
const MAX_DB = 9_999;

type Parsed = { readonly value: RedisUrl } | { readonly problem: string };

/** A single server, sentinels with the name of the master, or nodes of a cluster. */
export const redisUrl = v.pipe(
  v.string(),
  v.rawTransform<string, RedisUrl>(({ dataset, addIssue, NEVER }) => {
    const parsed = parseRedisUrl(dataset.value);
    if ('value' in parsed) return parsed.value;
    addIssue({ message: parsed.problem });
    return NEVER;
  }),
);

function parseRedisUrl(text: string): Parsed {
  const [, secure, topology = 'single', credentials, hosts = '', path = ''] = REDIS_URL.exec(text) ?? [];
  if (secure === undefined) return { problem: REDIS_FORMS };
  const access = parseCredentials(credentials);
  if (access === undefined) {
    return { problem: 'must have user:password or :password before the @, both percent-encoded' };
  }
  const nodes = parseNodes(hosts, topology === 'sentinel' ? SENTINEL_PORT : REDIS_PORT);
  if (nodes === undefined) return { problem: 'must name each server as host, host:port or [ipv6]:port' };
  const common = { tls: secure === 's', ...access };
  switch (topology) {
    case 'sentinel':
      if (!/^[\w.-]+$/.test(path)) return { problem: 'must end with / and the name of the master' };
      return { value: { kind: 'sentinel', ...common, sentinels: nodes, master: path, db: 0 } };
    case 'cluster':
      if (path !== '') return { problem: 'must not name a database: a cluster has only one' };
      return { value: { kind: 'cluster', ...common, nodes } };
    default:
      return parseSingle(nodes, path, common);
  }
}

function parseSingle(nodes: readonly HostAndPort[], path: string, common: RedisAccess): Parsed {
  const [node, ...others] = nodes;
  if (node === undefined || others.length > 0) {
    return { problem: 'must name one server; several are for redis+sentinel:// and redis+cluster://' };
  }
  const db = /^\d{0,4}$/.test(path) ? Number(path) : MAX_DB + 1;
  if (db > MAX_DB) return { problem: `must end with the number of a database, at most ${MAX_DB}` };
  return { value: { kind: 'single', ...common, node, db } };
}

function parseCredentials(text: string | undefined): Omit<RedisAccess, 'tls'> | undefined {
  if (text === undefined) return { username: undefined, password: undefined };
  const [, user = '', password] = /^([^:]*):(.+)$/s.exec(text) ?? [];
  if (password === undefined) return undefined;
  try {
    return {
      username: user === '' ? undefined : decodeURIComponent(user),
      password: decodeURIComponent(password),
    };
  } catch {
    return undefined;
  }
}

function parseNodes(text: string, defaultPort: number): readonly HostAndPort[] | undefined {
  const nodes = text.split(',').map((part) => parseHostAndPort(part, defaultPort));
  const good = nodes.filter((node) => node !== undefined && node.port > 0) as readonly HostAndPort[];
  return good.length === nodes.length ? good : undefined;
}

/** A PostgreSQL connection URI. */
export const databaseUrl = v.pipe(
  v.string(),
  v.check((text) => {
    const url = URL.parse(text);
    const isPostgres = url?.protocol === 'postgres:' || url?.protocol === 'postgresql:';
    return url !== null && isPostgres && url.pathname.length > 1;
  }, 'must be postgres://user:password@host[:port]/database, user and password percent-encoded'),
);
