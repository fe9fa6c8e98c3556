import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { createSecureServer as createHttp2Server } from 'node:http2';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, createServer, type Server as NetServer } from 'node:net';
import { inspect } from 'node:util';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import { afterEach, describe, expect, test } from '@jest/globals';
import { type ConnectOptions, connect, LatchkeyError } from '../../src/client/index.ts';
import { makeCertificate } from '../grpc/support/certificates.ts';
import { FakeLatchkey } from '../support/fake-latchkey.ts';
import { freePort } from '../support/redis-server.ts';

const authority = makeCertificate('Test CA');
const otherCa = makeCertificate('Other CA');
const server = makeCertificate('localhost', authority);
const foreign = makeCertificate('billing', otherCa);
const pem = (text: string) => Buffer.from(text);
const pair = { private_key: pem(server.privateKey), cert_chain: pem(server.certificate) };
const paired = { key: server.privateKey, cert: server.certificate };

const plaintext = { kind: 'plaintext' } as const;
const tls = { kind: 'tls', ca: authority.certificate } as const;
const strange = { kind: 'tls', ca: otherCa.certificate } as const;
const uninvited = { ...tls, kind: 'mtls', cert: foreign.certificate, key: foreign.privateKey } as const;

/** On a busy machine a TLS handshake alone can take seconds. */
const PATIENT_MS = 15_000;
/** `ready` always waits this long. */
const READY_MS = 5_000;
/** For a server that never answers. */
const SILENT_MS = 1_000;

const opened: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

async function latchkey(credentials: ServerCredentials): Promise<string> {
  const fake = await FakeLatchkey.start(credentials);
  opened.push(() => fake.close());
  return fake.address;
}

async function listening(listener: NetServer): Promise<string> {
  listener.on('connection', (socket) => opened.push(() => socket.destroy()));
  listener.on('secureConnection', (socket) => socket.on('error', () => undefined));
  await once(listener.listen(0, '127.0.0.1'), 'listening');
  opened.push(() => listener.close());
  return `127.0.0.1:${(listener.address() as AddressInfo).port}`;
}

async function anotherGrpcService(): Promise<string> {
  const another = new Server();
  opened.push(() => another.forceShutdown());
  return new Promise((resolve, reject) => {
    another.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) =>
      error === null ? resolve(`127.0.0.1:${port}`) : reject(error),
    );
  });
}

async function failed(address: string, options: ConnectOptions, call = 'login'): Promise<LatchkeyError> {
  const client = connect(address, { timeoutMs: PATIENT_MS, ...options });
  opened.push(() => client.close());
  const calls = {
    login: () => client.login({ username: 'a', password: '' }),
    ready: () => client.ready(READY_MS),
  };
  const error = await calls[call as keyof typeof calls]().then(
    () => undefined,
    (caught: unknown) => caught,
  );
  if (!(error instanceof LatchkeyError)) throw new Error(`failed with ${error}`);
  return error;
}

const withTls = () => latchkey(ServerCredentials.createSsl(null, [pair], false));
const withMtls = () => latchkey(ServerCredentials.createSsl(pem(authority.certificate), [pair], true));
const withoutTls = () => latchkey(ServerCredentials.createInsecure());
const silent = () => listening(createServer((socket) => void socket.on('error', () => undefined)));
const http = () => listening(createHttpServer((_request, response) => void response.end()));
const https = () => listening(createHttpsServer(paired, (_request, response) => void response.end()));
const website = () =>
  listening(createHttp2Server(paired, (_request, response) => void response.writeHead(404).end()));
const hangingUp = () => listening(createServer((socket) => void socket.end()));
const closedPort = async () => `127.0.0.1:${await freePort()}`;

type Case = readonly [string, () => Promise<string>, ConnectOptions['credentials'], string, RegExp];

const cases: readonly Case[] = [
  ['plaintext, where TLS is wanted', withTls, plaintext, 'TLS_REQUIRED', /uses TLS.* kind: 'tls'/],
  ['plaintext, at an HTTPS server', https, plaintext, 'TLS_REQUIRED', /uses TLS/],
  ['TLS, where there is none', withoutTls, tls, 'TLS_NOT_SPOKEN', /does not speak TLS.* kind: 'plaintext'/],
  ['TLS, to a server that hangs up', hangingUp, tls, 'TLS_NOT_SPOKEN', /during the TLS handshake/],
  ['TLS, with another authority', withTls, strange, 'AUTHORITY_UNKNOWN', /set credentials\.ca/],
  ['TLS, with the authorities of Node', withTls, { kind: 'tls' }, 'AUTHORITY_UNKNOWN', /credentials\.ca/],
  ['TLS, without the certificate that is wanted', withMtls, tls, 'CERTIFICATE_REQUIRED', /kind: 'mtls'/],
  [
    'TLS, with a certificate of another CA',
    withMtls,
    uninvited,
    'CERTIFICATE_REQUIRED',
    /that the service accepts/,
  ],
  ['plaintext, at an HTTP/1 server', http, plaintext, 'NOT_LATCHKEY', /does not speak HTTP\/2.* port/],
  ['TLS, at an HTTPS/1 server', https, tls, 'NOT_LATCHKEY', /does not speak HTTP\/2.* port/],
  ['TLS, at a web site', website, tls, 'NOT_LATCHKEY', /not latchkey.* port/],
  ['plaintext, at another gRPC service', anotherGrpcService, plaintext, 'NOT_LATCHKEY', /not latchkey/],
  ['plaintext, to a port without a server', closedPort, plaintext, 'REFUSED', /nothing listens there/],
  ['TLS, to a silent server', silent, tls, 'SILENT', /no connection was made in time/],
  [
    'plaintext, to no such name',
    async () => 'nowhere.invalid',
    plaintext,
    'NAME_UNKNOWN',
    /cannot be resolved/,
  ],
  ['plaintext, to no such socket', async () => 'unix:/nowhere.sock', plaintext, 'REFUSED', /nothing listens/],
];

describe('the error of a call', () => {
  test.each(cases)(
    'explains why there is no answer, and what to do: %s',
    async (_how, open, credentials, kind, said) => {
      const address = await open();
      const timeoutMs = kind === 'SILENT' ? SILENT_MS : PATIENT_MS;
      const error = await failed(address, { credentials: credentials ?? tls, mode: 'remote', timeoutMs });
      expect(error.connectionFault?.kind).toBe(kind);
      expect(error.message).toMatch(said);
      expect(error.message).toMatch(
        /^Login: no answer from latchkey at (?:127|nowhere|unix)\S+: \w.*[^.]\.$/,
      );
      expect(error.message).toContain(address);
      // Neither in the message nor in what a log shows of the error.
      expect(inspect(error)).not.toMatch(/error:[0-9A-F]|routines|Resolution note|Last error|round_robin/);
    },
  );

  test("names the method and shows the caller's stack", async () => {
    const fake = await FakeLatchkey.start();
    opened.push(() => fake.close());
    const client = connect(fake.address, { credentials: plaintext });
    opened.push(() => client.close());
    const error = await client.login({ username: 'ada', password: '' }).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(LatchkeyError);
    expect(error).toMatchObject({
      method: 'Login',
      reason: 'INVALID_CREDENTIALS',
      message: 'Login: Invalid username or password.',
      details: 'Invalid username or password.',
    });
    const [first, second] = (error as LatchkeyError).stack?.split('\n') ?? [];
    expect(first).toBe('LatchkeyError: Login: Invalid username or password.');
    expect(second).toContain('call-errors.test.ts');
  });

  test.each(['local', 'remote'] as const)(
    "of validate names it and shows each caller's stack, although they share the request (%s)",
    async (mode) => {
      const client = connect(await closedPort(), { credentials: plaintext, mode });
      opened.push(() => client.close());
      const ada = async () => await client.validate('a.b.c');
      const ben = async () => await client.validate('a.b.c');
      const outcomes = await Promise.allSettled([ada(), ben()]);
      const errors = outcomes.map((outcome) => (outcome as PromiseRejectedResult).reason as LatchkeyError);
      for (const [index, name] of ['ada', 'ben'].entries()) {
        expect(errors[index]).toMatchObject({ method: 'Validate', connectionFault: { kind: 'REFUSED' } });
        expect(errors[index]?.message).toMatch(/^Validate: no answer/);
        expect(errors[index]?.stack).toMatch(new RegExp(`at (?:async )?${name} \\(`));
      }
    },
  );
});

test.each(['local', 'remote'] as const)('of ready explains why it is not ready (%s)', async (mode) => {
  const { message } = await failed(await withTls(), { credentials: plaintext, mode }, 'ready');
  expect(message).toMatch(/: .*uses TLS/);
  expect(message).not.toMatch(/Resolution note|Last error/);
});
