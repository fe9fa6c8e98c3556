import * as v from 'valibot';
import { checkRoles } from '../core/user/roles.ts';
import { duration, text } from './scalars.ts';

/** An identity provider, as the file describes it. */
export interface ProviderSettings {
  readonly name: string;
  readonly displayName: string;
  readonly clientId: string;
  /** Path of a file, as written. Undefined: none. */
  readonly clientSecretFile: string | undefined;
  /** Undefined: made of the public origin and the name. */
  readonly redirectUri: string | undefined;
  readonly newUserRoles: readonly string[] | undefined;
  /** Time limit of one call; milliseconds. */
  readonly timeoutMs: number;
  readonly maxCalls: number;
  readonly protocol:
    | { readonly type: 'oidc'; readonly issuer: string; readonly scopes: readonly string[] }
    | {
        readonly type: 'oauth2';
        /** Undefined: the origin of `authorizationEndpoint`. */
        readonly issuer: string | undefined;
        readonly authorizationEndpoint: string;
        readonly tokenEndpoint: string;
        readonly userEndpoint: string;
        readonly subjectField: string;
        readonly scopes: readonly string[];
      }
    | { readonly type: 'wechat' };
}

const TYPES = ['oidc', 'oauth2', 'wechat'] as const;
const MAX_PROVIDERS = 50;
const MAX_TEXT_BYTES = 512;
const DEFAULT_TIMEOUT_MS = 5_000;
const DEFAULT_CALLS = 16;
const LOOPBACK = /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/;
const MEMBERS =
  'name, type, display_name, issuer, authorization_endpoint, token_endpoint, user_endpoint, subject_field, client_id, ' +
  'client_secret_file, scopes, redirect_uri, create_users, roles, timeout and max_calls';

const words = v.pipe(v.string('must be text'), text(MAX_TEXT_BYTES), v.nonEmpty('must not be empty'));

/** Plain http is for tests on one machine. */
const address = v.pipe(
  words,
  v.check((value) => {
    const url = URL.parse(value);
    if (url === null || url.search !== '' || url.hash !== '' || url.username !== '') return false;
    return url.protocol === 'https:' || (url.protocol === 'http:' && LOOPBACK.test(url.hostname));
  }, 'must be an https URL without query and fragment; http is allowed on loopback'),
);

const PROVIDER = v.strictObject(
  {
    name: v.pipe(
      words,
      v.regex(
        /^[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?$/,
        'must be 1 to 32 characters of a-z 0-9 -, no - at an end',
      ),
    ),
    type: v.picklist(TYPES, `must be one of ${TYPES.join(', ')}`),
    display_name: v.pipe(words, v.maxBytes(64, 'must be at most 64 bytes')),
    issuer: v.optional(address),
    authorization_endpoint: v.optional(address),
    token_endpoint: v.optional(address),
    user_endpoint: v.optional(address),
    subject_field: v.optional(words),
    client_id: words,
    client_secret_file: v.optional(words),
    scopes: v.optional(
      v.array(
        v.pipe(words, v.regex(/^[\x21\x23-\x5b\x5d-\x7e]+$/, 'must be scopes, without spaces and quotes')),
        'must be a list of scopes',
      ),
    ),
    redirect_uri: v.optional(address),
    create_users: v.optional(v.boolean('must be true or false'), false),
    roles: v.optional(v.array(words, 'must be a list of roles')),
    timeout: v.optional(v.pipe(v.string('must be text, for example "5s"'), duration('100ms', '30s'))),
    max_calls: v.optional(
      v.pipe(
        v.number('must be a number'),
        v.integer('must be a whole number'),
        v.minValue(1, 'must be 1 to 1000'),
        v.maxValue(1_000, 'must be 1 to 1000'),
      ),
      DEFAULT_CALLS,
    ),
  },
  (issue) => memberProblem(issue.expected, MEMBERS),
);

const LIST = v.strictObject(
  {
    providers: v.pipe(
      v.array(PROVIDER, 'must be a list'),
      v.maxLength(MAX_PROVIDERS, `must be at most ${MAX_PROVIDERS}`),
    ),
  },
  (issue) => memberProblem(issue.expected, 'providers'),
);

type ParsedProvider = v.InferOutput<typeof PROVIDER>;

/** Parses a list of identity providers. Throws an error with a message for people: which provider, and which field. */
export function parseProviders(content: string): readonly ProviderSettings[] {
  const json = jsonIn(content);
  const read = v.safeParse(LIST, json);
  if (!read.success) throw new Error(problemOf(read.issues[0], json));
  const { providers } = read.output;
  for (const [index, { name }] of providers.entries()) {
    if (providers.findIndex((other) => other.name === name) !== index) {
      throw new Error(`provider ${name}: name is there twice`);
    }
  }
  return providers.map(settingsOf);
}

function settingsOf(given: ParsedProvider): ProviderSettings {
  const refuse = (problem: string) => new Error(`provider ${given.name}: ${problem}`);
  const { create_users: createsUsers, roles = [] } = given;
  if (!createsUsers && given.roles !== undefined) throw refuse('roles needs create_users');
  try {
    checkRoles(roles, 'roles');
  } catch (error) {
    throw refuse(error instanceof Error ? error.message : String(error));
  }
  return {
    name: given.name,
    displayName: given.display_name,
    clientId: given.client_id,
    clientSecretFile: given.client_secret_file,
    redirectUri: given.redirect_uri,
    newUserRoles: createsUsers ? [...new Set(roles)] : undefined,
    timeoutMs: given.timeout ?? DEFAULT_TIMEOUT_MS,
    maxCalls: given.max_calls,
    protocol: protocolOf(given, refuse),
  };
}

type Refuse = (problem: string) => Error;

function protocolOf(given: ParsedProvider, refuse: Refuse): ProviderSettings['protocol'] {
  const { type, scopes } = given;
  checkMembers(given, refuse);
  const required = (name: Exclude<keyof typeof MEMBERS_OF, 'scopes'>) => {
    const value = given[name];
    if (value === undefined) throw refuse(`${name} is missing`);
    return value;
  };
  switch (type) {
    case 'wechat':
      if (given.client_secret_file === undefined) throw refuse('client_secret_file is missing');
      return { type };
    case 'oidc':
      return {
        type,
        issuer: required('issuer'),
        scopes: [...new Set(['openid', ...(scopes ?? ['profile'])])],
      };
    case 'oauth2':
      return {
        type,
        issuer: given.issuer,
        authorizationEndpoint: required('authorization_endpoint'),
        tokenEndpoint: required('token_endpoint'),
        userEndpoint: required('user_endpoint'),
        subjectField: required('subject_field'),
        scopes: [...new Set(scopes)],
      };
  }
}

/** The types that have a member that not all have. */
const MEMBERS_OF = {
  issuer: ['oidc', 'oauth2'],
  authorization_endpoint: ['oauth2'],
  token_endpoint: ['oauth2'],
  user_endpoint: ['oauth2'],
  subject_field: ['oauth2'],
  scopes: ['oidc', 'oauth2'],
} as const;

function checkMembers(given: ParsedProvider, refuse: Refuse): void {
  for (const [name, types] of Object.entries(MEMBERS_OF)) {
    const isAllowed = (types as readonly string[]).includes(given.type);
    if (isAllowed || given[name as keyof typeof MEMBERS_OF] === undefined) continue;
    throw refuse(`${name} is for the type ${types.join(' or ')} only`);
  }
}

function jsonIn(content: string): unknown {
  try {
    return JSON.parse(content);
  } catch {
    // The parser's message would repeat the text, which may contain a secret by mistake.
    throw new Error('it is not JSON');
  }
}

/** For example `provider acme: issuer must be an https URL`. The name is the number if there is none. */
function problemOf({ path, message }: v.BaseIssue<unknown>, json: unknown): string {
  const [first, index, field] = (path ?? []).map(({ key }) => key);
  if (first === undefined) return message;
  if (typeof index !== 'number') return `${String(first)} ${message}`;
  const { providers } = json as { readonly providers: readonly unknown[] };
  const provider = providers[index] as { readonly name?: unknown } | null;
  const name = typeof provider?.name === 'string' && provider.name !== '' ? provider.name : String(index + 1);
  return field === undefined
    ? `provider ${name} ${message}`
    : `provider ${name}: ${String(field)} ${message}`;
}

/** The problem of an object with a member too many or too few. @param expected as valibot puts it. */
function memberProblem(expected: string | null, members: string): string {
  if (expected === 'never') return `is not known; known are ${members}`;
  return expected === 'Object' ? `must be an object with ${members}` : 'is missing';
}
