import type { ServerOptions } from '@grpc/grpc-js';
import { BATCH_LIMITS } from './request-limits.ts';

/** Resource and age limits of a connection. By default the library limits only the message size, to 4 MiB. */
export const SERVER_LIMITS: ServerOptions = {
  // The limit of the largest rpc; `requestFrames` applies the limit of each rpc.
  'grpc.max_receive_message_length': BATCH_LIMITS.maxBytes,

  // Node ends a connection after about 1,000 stream resets in a burst, as when many deadlines fire at once.
  // Incomplete requests of unauthenticated callers can hold 53 MiB per connection at this limit.
  'grpc.max_concurrent_streams': 200,

  // Megabytes of buffers per connection. Above this, new streams are refused.
  'grpc-node.max_session_memory': 64,

  // Detects a peer that vanished without closing the connection within 80 s.
  'grpc.keepalive_time_ms': 60_000,
  'grpc.keepalive_timeout_ms': 20_000,

  // The server closes a connection after 30 minutes (+/- 10 %), so that clients find new replicas. Calls in progress
  // get another 30 seconds.
  'grpc.max_connection_age_ms': 30 * 60_000,
  'grpc.max_connection_age_grace_ms': 30_000,

  // Channelz costs time on every call, and this server does not expose it.
  'grpc.enable_channelz': 0,
};
