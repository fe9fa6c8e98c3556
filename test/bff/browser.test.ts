import { describe, expect, test } from '@jest/globals';
import type { FastifyRequest } from 'fastify';
import { addressOf } from '../../src/bff/browser/address.ts';
import { checkSource } from '../../src/bff/browser/csrf.ts';
import { deviceLabel } from '../../src/bff/browser/device-label.ts';
import { acceptedLanguage } from '../../src/bff/browser/language.ts';
import { keysOf, Macs, randomKey } from '../../src/bff/browser/macs.ts';

describe('the source of a change', () => {
  const ORIGIN = 'https://login.example.com';
  const check = (headers: object, method = 'POST') =>
    checkSource({ method, headers } as unknown as FastifyRequest, ORIGIN);

  test.each([
    [{ 'sec-fetch-site': 'same-origin', origin: ORIGIN }],
    [{ 'sec-fetch-site': 'same-origin' }],
    [{ origin: ORIGIN }],
    [{ 'sec-fetch-site': 'none', 'sec-fetch-mode': 'navigate' }],
  ])('%j is a page of this site', (headers) => {
    expect(() => check(headers)).not.toThrow();
  });

  test.each([
    [{}],
    [{ 'sec-fetch-site': 'none', 'sec-fetch-mode': 'cors' }],
    [{ 'sec-fetch-site': 'same-origin', origin: 'https://login.example.com.evil.example' }],
    [{ 'sec-fetch-site': 'cross-site', origin: ORIGIN }],
    [{ origin: `${ORIGIN}/` }],
    [{ origin: 'http://login.example.com' }],
  ])('%j is not', (headers) => {
    expect(() => check(headers)).toThrow('The request was refused.');
  });

  test('does not matter if nothing changes', () => {
    expect(() => check({ 'sec-fetch-site': 'cross-site' }, 'GET')).not.toThrow();
  });
});

describe('the label of a device', () => {
  test.each([
    [
      'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36',
      { name: 'Chrome 142 on Windows', platform: 'Windows' },
    ],
    [
      'Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0',
      { name: 'Firefox 145 on Linux', platform: 'Linux' },
    ],
    [
      'Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1',
      { name: 'Safari 18 on iOS', platform: 'iOS' },
    ],
  ])('of %s', (userAgent, label) => {
    expect(deviceLabel(userAgent)).toEqual(label);
  });

  test('is empty without a user agent', () => {
    expect(deviceLabel(undefined)).toEqual({ name: '', platform: '' });
    expect(deviceLabel('')).toEqual({ name: '', platform: '' });
  });

  test.each([
    `Chrome/${'9'.repeat(400)}`,
    `${'('.repeat(5_000)}`,
    'Chrome/\u0007\n1 Windows',
    '漢'.repeat(300),
    'Your own laptop, approved by IT/1 x',
    'Mozilla/5.0 (X11; Linux) OPR/yours',
    'Mozilla/5.0 (X11; Linux) Chrome/\u202e1',
  ])('of a hostile one has at most 64 bytes and no text of its own', (userAgent) => {
    const { name, platform } = deviceLabel(userAgent);
    expect(Buffer.byteLength(name)).toBeLessThanOrEqual(64);
    expect(name + platform).not.toMatch(/\p{C}|your/iu);
  });
});

describe('the address of a browser', () => {
  test.each([
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['192.0.2.1:4711', '192.0.2.1'],
    ['[2001:db8::1]:4711', '2001:db8::1'],
    ['fe80::1%eth0', 'fe80::1'],
    ['unknown', undefined],
    ['', undefined],
    ['192.0.2.1, 10.0.0.1', undefined],
  ])('%j is %j', (given, address) => {
    expect(addressOf(given)).toBe(address);
  });
});

describe('the language of a browser', () => {
  test.each([
    [undefined, 'en'],
    ['zh-CN,zh;q=0.9,en;q=0.8', 'zh'],
    ['en-GB,zh;q=0.9', 'en'],
    ['fr,de;q=0.5', 'en'],
    ['zh;q=0, fr', 'en'],
    ['en;q=0.2, zh;q=0.3', 'zh'],
    [';;q=,,,zh;q=x', 'en'],
  ])('%j gets %s', (header, language) => {
    expect(acceptedLanguage(header)).toBe(language);
  });
});

describe('the keys of cookies', () => {
  test('verify what the same or an older key signed, for one kind of value', () => {
    const [old, current] = [randomKey(), randomKey()];
    const mac = new Macs([old]).of('csrf', 'value');
    expect(new Macs([current, old]).verifies('csrf', 'value', mac)).toBe(true);
    expect(new Macs([current]).verifies('csrf', 'value', mac)).toBe(false);
    expect(new Macs([old]).verifies('ticket', 'value', mac)).toBe(false);
  });

  test('are read from the lines of a file', () => {
    const [a, b] = [randomKey(), randomKey()];
    const text = `${a.toString('base64url')}\r\n\n${b.toString('base64url')}\n`;
    expect(keysOf(text)).toEqual([a, b]);
    expect(() => keysOf('\n')).toThrow('empty');
    expect(() => keysOf(`${a.toString('base64url')}\nshort`)).toThrow('line 2');
  });
});
