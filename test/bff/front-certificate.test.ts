import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { makeCertificate, type TestCertificate } from '../grpc/support/certificates.ts';
import { BffSite, PASSWORD } from './support/bff-site.ts';
import { Browser } from './support/browser.ts';

const FRONT_CA = makeCertificate('front authority');

let folder: string;
let site: BffSite;
let serviceCa: string;

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'latchkey-front-'));
  const authority = makeCertificate('service authority');
  const service = pair('service', makeCertificate('service', authority));
  serviceCa = file('service-ca.crt', authority.certificate);
  site = await BffSite.open({
    LATCHKEY_FRONT_AUTH: 'mtls',
    LATCHKEY_CALLER_AUTH: 'mtls',
    LATCHKEY_TLS_CERT: service.certificate,
    LATCHKEY_TLS_KEY: service.privateKey,
    LATCHKEY_TLS_CLIENT_CA: file('front-ca.crt', FRONT_CA.certificate),
  });
});

afterAll(async () => {
  await site.close();
  rmSync(folder, { recursive: true, force: true });
});

function file(name: string, text: string): string {
  const at = path.join(folder, name);
  writeFileSync(at, text);
  return at;
}

function pair(name: string, { certificate, privateKey }: TestCertificate) {
  return {
    certificate: file(`${name}.crt`, certificate),
    privateKey: file(`${name}.key`, privateKey),
  };
}

/** The origin of a BFF that has a certificate of this authority. */
async function originWith(name: string, authority: TestCertificate): Promise<string> {
  const { certificate, privateKey } = pair(name, makeCertificate(name, authority));
  const { origin } = await site.bff({
    LATCHKEY_BFF_SERVICE_CA: serviceCa,
    LATCHKEY_BFF_SERVICE_CERT: certificate,
    LATCHKEY_BFF_SERVICE_KEY: privateKey,
    LATCHKEY_BFF_TRUSTED_PROXIES: '127.0.0.0/8',
  });
  return origin;
}

const from = (address: string) => ({ 'x-forwarded-for': address });

test('a front with a certificate states the address of the browser, also where it sends the token of the user', async () => {
  const origin = await originWith('front', FRONT_CA);
  const phone = new Browser(origin);
  await phone.post('/sign-in', { username: 'admin', password: PASSWORD }, from('203.0.113.9'));
  expect((await phone.get('/devices')).json.sessions[0].ipAddress).toBe('203.0.113.9');
  const { ticket } = (await new Browser(origin).get('/sign-in', from('203.0.113.9'))).json;
  const scan = `${new URL(ticket.url).pathname}/scan`;
  for (const [address, sharesNetwork] of [
    ['203.0.113.9', true],
    ['198.51.100.1', false],
  ] as const) {
    const { step } = (await phone.post(scan, {}, from(address))).json;
    expect(step.asker).toMatchObject({ ipAddress: '203.0.113.9', sharesNetwork });
  }
});

test('a certificate of another authority is 503, not a wrong password', async () => {
  const browser = new Browser(await originWith('stranger', makeCertificate('another authority')));
  const answer = await browser.signIn('admin', PASSWORD);
  expect(answer.status).toBe(503);
  expect(answer.json.page.notice.code).toBe('service-unavailable');
});
