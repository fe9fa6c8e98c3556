import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { Option } from 'commander';
import type { Credentials } from '../client/index.ts';
import { UsageError } from './terminal.ts';

/** The options of every command, as commander parses them. */
export interface GlobalOptions {
  readonly address: string;
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly plaintext?: true;
  readonly username: string;
  readonly token?: string;
  readonly json?: true;
}

const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d+)?$|^unix:/;

export function addGlobalOptions(program: Command): void {
  program
    .addOption(
      new Option('--address <host:port>', 'address of the service')
        .env('LATCHKEY_ADDRESS')
        .default('127.0.0.1:50051'),
    )
    .addOption(new Option('--ca <file>', 'certificate authority of the service, PEM').conflicts('plaintext'))
    .addOption(new Option('--cert <file>', 'client certificate for mTLS, PEM').conflicts('plaintext'))
    .addOption(
      new Option('--key <file>', 'private key of the client certificate, PEM').conflicts('plaintext'),
    )
    .option('--plaintext', 'do not use TLS; the default on loopback unless --ca or --cert is set')
    .addOption(
      new Option('--username <name>', 'user to sign in as; the password is LATCHKEY_PASSWORD or a prompt')
        .env('LATCHKEY_USERNAME')
        .default('admin'),
    )
    .addOption(
      new Option(
        '--token <token>',
        'access token of an admin, instead of a sign-in; visible to other users of this machine: prefer LATCHKEY_TOKEN',
      ).env('LATCHKEY_TOKEN'),
    )
    .option('--json', 'print JSON instead of a table');
}

/** Reads the files. Uses TLS unless --plaintext is set, or the address is loopback without --ca and --cert. */
export function credentialsOf(options: GlobalOptions): Credentials {
  const { address, ca, cert, key, plaintext } = options;
  if ((cert === undefined) !== (key === undefined))
    throw new UsageError('--cert and --key must be set together.');
  const authority = ca === undefined ? {} : { ca: read('--ca', ca) };
  if (cert !== undefined && key !== undefined) {
    return { kind: 'mtls', ...authority, cert: read('--cert', cert), key: read('--key', key) };
  }
  const isPlaintext = plaintext === true || (ca === undefined && LOOPBACK.test(address));
  return isPlaintext ? { kind: 'plaintext' } : { kind: 'tls', ...authority };
}

function read(option: string, file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new UsageError(`${option}: ${(error as Error).message}`, { cause: error });
  }
}
