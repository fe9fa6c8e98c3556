// Starts the service and the BFF, says where to sign in, and stops both on one signal. scripts/run calls it.
//   node scripts/start-both.ts        starts what `npm run build` built
//   node scripts/start-both.ts src    starts the sources
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import path from 'node:path';

type Environment = Readonly<Record<string, string>>;

const root = path.resolve(import.meta.dirname, '..');
const folder = process.argv[2] ?? 'dist';
const extension = folder === 'src' ? 'ts' : 'js';
const { scripts } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as {
  scripts: { start: string };
};
const nodeOptions = scripts.start.split(' ').filter((word) => word.startsWith('--'));
const { env } = process;
const bffListen = env['LATCHKEY_BFF_LISTEN'] ?? '127.0.0.1:8080';
const publicOrigin =
  env['LATCHKEY_BFF_PUBLIC_ORIGIN'] ?? env['LATCHKEY_PUBLIC_ORIGIN'] ?? `http://${bffListen}`;

const SERVING =
  /latchkey serves gRPC on (\S+?)(, with TLS)?(?:, by \d+ workers)?\.\n(?:Created the first user: (.+), password (.+)\n)?/;
const BFF_SERVING = /serves the sign-in pages on (\S+)\.\n/;

const children: ChildProcess[] = [];
let isStopping = false;

function stop(signal: NodeJS.Signals): void {
  isStopping = true;
  for (const child of children) if (child.exitCode === null && child.signalCode === null) child.kill(signal);
}

// A terminal sends its signals to a whole group. The programs have groups of their own, so each gets a signal once.
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
  process.on(signal, () => stop(signal === 'SIGHUP' ? 'SIGTERM' : signal));
}

// Whoever reads the output may go before the programs do.
for (const output of [process.stdout, process.stderr]) output.on('error', () => undefined);
process.on('exit', () => stop('SIGTERM'));

/** Starts a program and waits until it has said something to people. Undefined: it ended before. */
async function started(program: string, more: Environment, pattern: RegExp) {
  const found = Promise.withResolvers<RegExpExecArray | undefined>();
  const child = spawn(process.execPath, [...nodeOptions, `${folder}/${program}.${extension}`], {
    cwd: root,
    env: { ...env, ...more },
    stdio: ['ignore', 'inherit', 'pipe'],
    detached: true,
  });
  children.push(child);
  let said = '';
  child.stderr.on('data', (chunk) => {
    process.stderr.write(chunk);
    said += String(chunk);
    const match = pattern.exec(said);
    if (match !== null) found.resolve(match);
  });
  void once(child, 'close').then(() => {
    found.resolve(undefined);
    // Neither program is of use alone.
    if (!isStopping) stop('SIGTERM');
  });
  return found.promise;
}

function invitation(origin: string, username: string | undefined, password: string | undefined): string {
  if (username !== undefined) {
    return `\nOpen ${origin} and sign in as ${username} with the password ${password}\n`;
  }
  return `\nOpen ${origin} and sign in, for example as ${env['LATCHKEY_BOOTSTRAP_USERNAME'] ?? 'admin'}.\n`;
}

async function exitCode(child: ChildProcess): Promise<number> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  return child.exitCode ?? 1;
}

const service = await started('main', { LATCHKEY_PUBLIC_ORIGIN: publicOrigin }, SERVING);
if (service !== undefined && !isStopping) {
  const [, address = '', tls, username, password] = service;
  const serviceAddress = env['LATCHKEY_BFF_SERVICE_ADDRESS'] ?? address;
  if (tls !== undefined && env['LATCHKEY_BFF_SERVICE_CA'] === undefined) {
    process.stderr.write(
      '\nThe service has TLS, so the BFF must know its CA: set LATCHKEY_BFF_SERVICE_CA to the CA of LATCHKEY_TLS_CERT.\n',
    );
  }
  const bff = await started('bff/main', { LATCHKEY_BFF_SERVICE_ADDRESS: serviceAddress }, BFF_SERVING);
  if (bff !== undefined) process.stderr.write(invitation(bff[1] ?? '', username, password));
}
const codes = await Promise.all(children.map(exitCode));
process.exitCode = codes.find((code) => code !== 0) ?? 0;
