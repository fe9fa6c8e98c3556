import { expect, test } from '@jest/globals';
import { isPublicAddress, networkOf, peerAddress } from '../../src/grpc/peer-address.ts';

test.each([
  ['192.0.2.1:50051', '192.0.2.1'],
  ['::1:50051', '::1'],
  ['[2001:db8::1]:50051', '2001:db8::1'],
  ['2001:db8::1:2:50051', '2001:db8::1:2'],
  ['::ffff:192.0.2.1:50051', '192.0.2.1'],
  ['::1:5005', '::1'],
  ['192.0.2.1', '192.0.2.1'],
  ['unknown', ''],
  ['/run/latchkey.sock', ''],
  ['', ''],
])('The peer %j has the address %j', (peer, address) => {
  expect(peerAddress(peer)).toBe(address);
});

test.each([
  ['192.0.2.1', '192.0.2.1'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:db8:1:2::1', '2001:db8:1:2::/64'],
  ['2001:db8::1', '2001:db8:0:0::/64'],
  ['2001:0DB8::1', '2001:db8:0:0::/64'],
  ['2001:db8:1:2:3::', '2001:db8:1:2::/64'],
  ['::1', '0:0:0:0::/64'],
  ['1::2:3:4:5:6:7', '1:0:2:3::/64'],
  ['1::2:3:4:5:192.0.2.1', '1:0:2:3::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ['', ''],
])('The address %j is in the network %j', (address, network) => {
  expect(networkOf(address)).toBe(network);
});

test.each([
  ['192.0.2.1', '192.0.2.0/24'],
  ['2001:db8:1:2::1', '2001:db8:1::/48'],
  ['::1', '0:0:0::/48'],
  ['', ''],
])('The address %j is in the larger network %j', (address, network) => {
  expect(networkOf(address, { ipv4: 24, ipv6: 48 })).toBe(network);
});

test.each([
  ...['', '127.0.0.1', '10.1.2.3', '100.64.0.1', '169.254.1.1', '172.31.255.255', '192.168.1.1'],
  ...['::', '::1', 'fc00::1', 'fdff::1', 'fe80::1'],
])('The address %j is not one of the internet', (address) => {
  expect(isPublicAddress(address)).toBe(false);
});

test.each(['9.255.255.255', '100.128.0.1', '172.32.0.1', '203.0.113.7', '2001:db8::1', '2606:4700::1111'])(
  'The address %j is one of the internet',
  (address) => {
    expect(isPublicAddress(address)).toBe(true);
  },
);
