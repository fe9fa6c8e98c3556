import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { resolve } from 'node:path';
import type { Started } from './app/started.ts';
import type { Config } from './config.ts';
import { hostOf, type QuickStartTls, quickStart } from './quick-start.ts';

/** The message for people after a start. Shows a generated password once, and never a configured one. */
export function greeting({ address, firstUser }: Started, config: Config): string {
  const { bootstrap, callerAuth, dataDir, environment, redis, reflection, tls, workers } = config;
  const made = firstUser?.password;
  const by = workers === 1 ? '' : `, by ${workers} workers`;
  const words = [`\nlatchkey serves gRPC on ${address}${tls === undefined ? '' : ', with TLS'}${by}.`];
  if (made !== undefined) {
    words.push(
      `Created the first user: ${firstUser?.username}, password ${made}\nThe password is shown only once.`,
    );
  } else if (firstUser === undefined && bootstrap.password !== undefined) {
    words.push('LATCHKEY_BOOTSTRAP_PASSWORD is ignored because users already exist.');
  }
  if (redis.kind === 'none') {
    words.push(
      'Sessions are kept in memory: they do not survive a restart. Set LATCHKEY_REDIS_URL to keep them in Redis.\n' +
        `Users and keys are kept${config.databaseUrl === undefined ? ` in ${resolve(dataDir)}` : ' in PostgreSQL'}.`,
    );
  }
  const canBePasted = environment === 'development' && reflection && !address.startsWith('unix:');
  if (canBePasted) {
    const { username } = bootstrap;
    const callerToken = callerAuth === 'token';
    words.push(
      quickStart({ address, username, password: made, callerToken, tls: tls && quickStartTls(tls, address) }),
    );
  }
  return words.join('\n');
}

function quickStartTls(
  { certificate, clientCa }: NonNullable<Config['tls']>,
  address: string,
): QuickStartTls {
  const file = resolve(certificate);
  const serverName = nameFor(file, hostOf(address));
  return { certificate: file, serverName, clientCertificate: clientCa !== undefined };
}

/** A name in the certificate. Undefined if the certificate is valid for this host. */
function nameFor(file: string, host: string): string | undefined {
  try {
    const certificate = new X509Certificate(readFileSync(file));
    const isFor = isIP(host) === 0 ? certificate.checkHost(host) : certificate.checkIP(host);
    if (isFor !== undefined) return undefined;
    const [, name] = /DNS:([^,]+)/.exec(certificate.subjectAltName ?? '') ?? [];
    return name?.replace('*', 'latchkey');
  } catch {
    // The file was valid at the start and is being replaced. The greeting must not stop the service.
    return undefined;
  }
}
