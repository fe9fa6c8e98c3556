import { resolve } from 'node:path';
import type { Started } from './app/started.ts';
import type { Config } from './config.ts';
import { quickStart } from './quick-start.ts';

/** What a person who started the service reads. A password that was made is shown here, once; one that was given never. */
export function greeting({ address, firstUser }: Started, config: Config): string {
  const { bootstrap, callerAuth, dataDir, environment, redis, reflection, tls, workers } = config;
  const made = firstUser?.password;
  const by = workers === 1 ? '' : `, by ${workers} workers`;
  const words = [`\nlatchkey serves gRPC on ${address}${tls === undefined ? '' : ', with TLS'}${by}.`];
  if (made !== undefined) {
    words.push(`The first user was made: ${firstUser?.username}, password ${made}\nIt is shown this once.`);
  } else if (firstUser === undefined && bootstrap.password !== undefined) {
    words.push('LATCHKEY_BOOTSTRAP_PASSWORD is not used: there are users already.');
  }
  if (redis.kind === 'none') {
    words.push(
      'Sessions are kept in memory: they do not survive a restart. Set LATCHKEY_REDIS_URL to keep them in Redis.\n' +
        `Users and keys are kept${config.databaseUrl === undefined ? ` in ${resolve(dataDir)}` : ' in PostgreSQL'}.`,
    );
  }
  const canBePasted =
    environment === 'development' && tls === undefined && reflection && !address.startsWith('unix:');
  if (canBePasted) {
    const { username } = bootstrap;
    words.push(quickStart({ address, username, password: made, callerToken: callerAuth === 'token' }));
  }
  return words.join('\n');
}
