/** What a person who starts the service by hand needs to know. */
export interface QuickStart {
  /** Where gRPC is served: `host:port`. */
  readonly address: string;
  readonly username: string;
  /** Undefined: it is not known, or was given and is not to be shown. */
  readonly password: string | undefined;
  /** Validate wants an access token of the caller's own (LATCHKEY_CALLER_AUTH=token). */
  readonly callerToken: boolean;
}

const SERVICE = 'latchkey.v1.IdentityService';

/** Commands that work as they stand, for grpcurl and for buf, one after the other in one shell. */
export function quickStart({ address, username, password, callerToken }: QuickStart): string {
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
      `  PASSWORD='${password ?? `the password of ${username}`}'`,
      `  LOGIN=$(${call('Login', login)}); echo "$LOGIN"`,
      `  ACCESS=$(echo "$LOGIN" | sed -n 's/.*"accessToken": *"\\([^"]*\\)".*/\\1/p')`,
      `  REFRESH=$(echo "$LOGIN" | sed -n 's/.*"refreshToken": *"\\([^"]*\\)".*/\\1/p')`,
      ...(callerToken
        ? [
            `  OTHER=$(${call('Login', login)})`,
            `  ADMIN=$(echo "$OTHER" | sed -n 's/.*"accessToken": *"\\([^"]*\\)".*/\\1/p')`,
          ]
        : []),
      ...steps.map(([rpc, data]) => `  ${call(rpc, data)}`),
    ].join('\n');
  const header = (rpc: string) =>
    callerToken && rpc === 'Validate' ? ' -H "authorization: Bearer $ADMIN"' : '';
  const grpcurl = (rpc: string, data: string) =>
    `grpcurl -plaintext${header(rpc)} -d ${data} ${target} ${SERVICE}/${rpc}`;
  const buf = (rpc: string, data: string) =>
    `npx buf curl --protocol grpc --http2-prior-knowledge${header(rpc)} -d ${data} http://${target}/${SERVICE}/${rpc}`;
  return [
    '',
    `Sign in, validate, refresh, sign out: paste into another shell${
      password === undefined ? `, with the password of ${username} in the first line` : ''
    }`,
    '',
    'with grpcurl:',
    script(grpcurl),
    '',
    'or with buf, from this folder:',
    script(buf),
    '',
  ].join('\n');
}
