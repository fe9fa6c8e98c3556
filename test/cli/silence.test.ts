import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { ServerCredentials } from '@grpc/grpc-js';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { runCommand } from '../../src/cli/program.ts';
import { makeCertificate } from '../grpc/support/certificates.ts';
import { ADMIN, FakeLatchkey } from '../support/fake-latchkey.ts';

const ca = makeCertificate('Test CA');
const server = makeCertificate('localhost', ca);
const pem = (content: string) => Buffer.from(content);
const pair = { private_key: pem(server.privateKey), cert_chain: pem(server.certificate) };

let folder: string;
let caFile: string;
let fake: FakeLatchkey;

beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'latchkey-silence-'));
  caFile = path.join(folder, 'ca.pem');
  writeFileSync(caFile, ca.certificate);
});

afterAll(() => rmSync(folder, { recursive: true }));
afterEach(() => fake.close());

/** The standard error of `users list`, which must not have reached the service. */
async function said(...options: string[]): Promise<string> {
  const stderr = new PassThrough();
  const terminal = {
    env: { LATCHKEY_PASSWORD: ADMIN.password },
    stdin: new PassThrough(),
    stdout: new PassThrough(),
    stderr,
    signal: new AbortController().signal,
  };
  expect(await runCommand(['users', 'list', '--address', fake.address, ...options], terminal)).toBe(3);
  stderr.end();
  return text(stderr);
}

describe('a command without an answer', () => {
  test('says to check the address, once, if nothing listens there', async () => {
    fake = await FakeLatchkey.start();
    fake.close();
    expect(await said()).toMatch(/: nothing listens there\n {2}Check the address .*runs\n$/);
  });

  test('says to use --ca if the service requires TLS', async () => {
    fake = await FakeLatchkey.start(ServerCredentials.createSsl(pem(ca.certificate), [pair], false));
    expect(await said()).toMatch(/: the connection was opened and closed .*\n {2}.*uses TLS, pass --ca\n$/);
  });

  test('says to use --cert and --key if the service requires a client certificate', async () => {
    fake = await FakeLatchkey.start(ServerCredentials.createSsl(pem(ca.certificate), [pair], true));
    expect(await said('--ca', caFile)).toMatch(/requires a client certificate\n {2}.*--cert and --key\n$/);
  });

  test('says to use --plaintext if the service has no TLS', async () => {
    fake = await FakeLatchkey.start();
    expect(await said('--ca', caFile)).toMatch(/: the server there does not speak TLS\n {2}.*--plaintext/);
  });

  test('says to use --ca if the authority is wrong', async () => {
    fake = await FakeLatchkey.start(ServerCredentials.createSsl(null, [pair], false));
    writeFileSync(path.join(folder, 'other.pem'), makeCertificate('Other CA').certificate);
    expect(await said('--ca', path.join(folder, 'other.pem'))).toMatch(
      / certificate is from an unknown authority.*\n {2}.*--ca\n$/,
    );
  });
});
