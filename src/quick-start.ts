/** Input of the quick-start commands. */
export interface QuickStart {
  /** Where gRPC is served: `host:port`. */
  readonly address: string;
  readonly username: string;
  /** Undefined if it is unknown, or was configured and must not be shown. */
  readonly password: string | undefined;
  /** Validate requires the caller's own access token (LATCHKEY_CALLER_AUTH=token). */
  readonly callerToken: boolean;
  /** Undefined: plaintext. */
  readonly tls: QuickStartTls | undefined;
}

export interface QuickStartTls {
  /** PEM file of the service's certificate. grpcurl and buf trust it directly, whatever its issuer. */
  readonly certificate: string;
  /** A name in the certificate. Undefined if the certificate is valid for the address. */
  readonly serverName: string | undefined;
  /** The service requires a client certificate. */
  readonly clientCertificate: boolean;
}

type Call = (rpc: string, data: string) => string;

const SERVICE = 'latchkey.v1.IdentityService';
const PLAINTEXT = { grpcurl: ['-plaintext'], buf: ['--http2-prior-knowledge'], scheme: 'http' } as const;

/** Commands for grpcurl and for buf that work without changes, in sequence in one shell. */
export function quickStart(given: QuickStart): string {
  const { address, callerToken, tls } = given;
  const target = targetOf(address);
  const { grpcurl, buf, scheme } = tls === undefined ? PLAINTEXT : secured(tls);
  const header = (rpc: string) =>
    callerToken && rpc === 'Validate' ? ['-H "authorization: Bearer $ADMIN"'] : [];
  const byGrpcurl: Call = (rpc, data) =>
    ['grpcurl', ...grpcurl, ...header(rpc), `-d ${data} ${target} ${SERVICE}/${rpc}`].join(' ');
  const byBuf: Call = (rpc, data) =>
    [
      ...['npx buf curl --protocol grpc', ...buf, ...header(rpc)],
      `-d ${data} ${scheme}://${target}/${SERVICE}/${rpc}`,
    ].join(' ');
  return [
    '',
    `To sign in, validate, refresh and sign out, paste this into another shell${placeholderNote(given)}`,
    '',
    'with grpcurl:',
    script(byGrpcurl, given),
    '',
    'or with buf, from this folder:',
    script(byBuf, given),
    '',
  ].join('\n');
}

function targetOf(address: string): string {
  return address.replace(/^(0\.0\.0\.0|\[::\]):/, '127.0.0.1:');
}

/** The host that the commands connect to, without brackets. */
export function hostOf(address: string): string {
  return targetOf(address)
    .replace(/:\d+$/, '')
    .replace(/^\[(.*)\]$/, '$1');
}

/** TLS options of grpcurl and buf. In grpcurl, -authority also sets the name checked in the certificate. */
function secured({ certificate, serverName, clientCertificate }: QuickStartTls) {
  const file = quoted(certificate);
  const name = serverName === undefined ? undefined : quoted(serverName);
  const own = (dash: string) => (clientCertificate ? [`${dash}cert "$CERT" ${dash}key "$KEY"`] : []);
  return {
    grpcurl: [`-cacert ${file}`, ...(name === undefined ? [] : [`-authority ${name}`]), ...own('-')],
    buf: [`--cacert ${file}`, ...(name === undefined ? [] : [`--servername ${name}`]), ...own('--')],
    scheme: 'https',
  } as const;
}

function placeholderNote({ password, username, tls }: QuickStart): string {
  const missing = [
    ...(password === undefined ? [`the password of ${username} in the first line`] : []),
    ...(tls?.clientCertificate ? ['your certificate and its key in the second line'] : []),
  ];
  return missing.length === 0 ? '' : `, with ${missing.join(', and ')}`;
}

function script(call: Call, { password, username, callerToken, tls }: QuickStart): string {
  const body = (fields: string) => `"{${fields.replaceAll('"', '\\"')}}"`;
  const login = body(`"username":"${username}","password":"$PASSWORD"`);
  const steps = [
    ['Validate', body('"access_token":"$ACCESS"')],
    ['Refresh', body('"refresh_token":"$REFRESH"')],
    ['Logout', body('"refresh_token":"$REFRESH"')],
    ['Validate', body('"access_token":"$ACCESS"')],
  ] as const;
  return [
    `PASSWORD='${password ?? `the password of ${username}`}'`,
    ...(tls?.clientCertificate ? ["CERT='the file of your certificate' KEY='the file of its key'"] : []),
    `LOGIN=$(${call('Login', login)}); echo "$LOGIN"`,
    `ACCESS=$(echo "$LOGIN" | sed -n 's/.*"accessToken": *"\\([^"]*\\)".*/\\1/p')`,
    `REFRESH=$(echo "$LOGIN" | sed -n 's/.*"refreshToken": *"\\([^"]*\\)".*/\\1/p')`,
    ...(callerToken
      ? [
          `OTHER=$(${call('Login', login)})`,
          `ADMIN=$(echo "$OTHER" | sed -n 's/.*"accessToken": *"\\([^"]*\\)".*/\\1/p')`,
        ]
      : []),
    ...steps.map(([rpc, data]) => call(rpc, data)),
  ]
    .map((line) => `  ${line}`)
    .join('\n');
}

/** Quotes text for a shell. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
