import { expect, test } from '@jest/globals';
import { peerAddress } from '../../src/grpc/peer-address.ts';

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
])('The peer %j calls from %j', (peer, address) => {
  expect(peerAddress(peer)).toBe(address);
});
