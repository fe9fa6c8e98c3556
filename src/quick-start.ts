/** What a person who starts the service by hand needs to know. */
export interface QuickStart {
  /** Where gRPC is served: `host:port`. */
  readonly address: string;
  readonly username: string;
  /** How the password is written in a shell command: quoted, or a variable that holds it. */
  readonly password: string;
  /** Sessions are in memory only. */
  readonly inMemory: boolean;
}

const SERVICE = 'latchkey.v1.IdentityService';

/** Commands that work as they stand, for grpcurl and for buf, one after the other in one shell. */
export function quickStart({ address, username, password, inMemory }: QuickStart): string {
  const target = address.replace(/^(0\.0\.0\.0|\[::\]):/, '127.0.0.1:');
  const body = (fields: string) => `"{${fields.replaceAll('"', '\\"')}}"`;
  const login = body(`"username":"${username}","password":"$PASSWORD"`);
  const steps = [
    ['Validate', body('"access_token":"$ACCESS"')],
    ['Refresh', body('"refresh_token":"$REFRESH"')],
    ['Logout', body('"refresh_token":"$REFRESH"')],
    ['Validate', body('"access_token":"$ACCESS"')],
  ] as const;
  const script = (call: (rpc: string, data: string) => string) =>
    [
      `  PASSWORD=${password}`,
      `  LOGIN=$(${call('Login', login)}); echo "$LOGIN"`,
      `  ACCESS=$(echo "$LOGIN" | sed -n 's/.*"accessToken": *"\\([^"]*\\)".*/\\1/p')`,
      `  REFRESH=$(echo "$LOGIN" | sed -n 's/.*"refreshToken": *"\\([^"]*\\)".*/\\1/p')`,
      ...steps.map(([rpc, data]) => `  ${call(rpc, data)}`),
    ].join('\n');
  const grpcurl = (rpc: string, data: string) => `grpcurl -plaintext -d ${data} ${target} ${SERVICE}/${rpc}`;
  const buf = (rpc: string, data: string) =>
    `npx buf curl --protocol grpc --http2-prior-knowledge -d ${data} http://${target}/${SERVICE}/${rpc}`;
  const memory = inMemory
    ? [
        '',
        'Sessions are kept in memory: they do not survive a restart. Set LATCHKEY_REDIS_URL to keep them in Redis.',
        'Users and keys are kept in LATCHKEY_DATA_DIR.',
      ]
    : [];
  return [
    '',
    `latchkey serves gRPC on ${address}. Sign in, validate, refresh, sign out: paste into another shell`,
    '',
    'with grpcurl:',
    script(grpcurl),
    '',
    'or with buf, from this folder:',
    script(buf),
    ...memory,
    '',
  ].join('\n');
}
