import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { openBff } from '../../src/bff/bff.ts';
import { makeCertificate, type TestCertificate } from '../grpc/support/certificates.ts';
import { BARE_PAGES } from './support/bare-pages.ts';
import { BffSite, CLOCK, configOf, PASSWORD } from './support/bff-site.ts';
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

/** The variables of a BFF that has a certificate of this authority. */
function settingsWith(name: string, authority: TestCertificate) {
  const { certificate, privateKey } = pair(name, makeCertificate(name, authority));
  return {
    LATCHKEY_BFF_SERVICE_CA: serviceCa,
    LATCHKEY_BFF_SERVICE_CERT: certificate,
    LATCHKEY_BFF_SERVICE_KEY: privateKey,
    LATCHKEY_BFF_TRUSTED_PROXIES: '127.0.0.0/8',
  };
}

const from = (address: string) => ({ 'x-forwarded-for': address });

test('a front with a certificate states the address of the browser, also where it sends the token of the user', async () => {
  const { origin } = await site.bff(settingsWith('front', FRONT_CA));
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

test('a certificate of another authority is 503, not a wrong password, and the log says so', async () => {
  const log: string[] = [];
  const address = { LATCHKEY_BFF_SERVICE_ADDRESS: site.service.address };
  const settings = settingsWith('stranger', makeCertificate('another authority'));
  const bff = await openBff(configOf({ ...address, ...settings }), {
    clock: CLOCK,
    pages: BARE_PAGES,
    logger: { level: 'warn', stream: { write: (line) => log.push(line) } },
  });
  const answer = await new Browser(bff.origin).signIn('admin', PASSWORD);
  await bff.close();
  expect(answer.status).toBe(503);
  expect(answer.json.page.notice.code).toBe('service-unavailable');
  expect(log.join('')).toContain('Login: no answer from latchkey');
});
