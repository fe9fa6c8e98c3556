import { expect, test } from '@jest/globals';
import { networkOf, peerAddress } from '../../src/grpc/peer-address.ts';

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
