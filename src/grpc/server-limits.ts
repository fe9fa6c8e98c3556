import type { ServerOptions } from '@grpc/grpc-js';
import { BATCH_LIMITS } from './request-limits.ts';

/**
 * What one connection may cost, and how long it may live. By itself the library limits a message, to 4 MiB, and
 * nothing else.
 */
export const SERVER_LIMITS: ServerOptions = {
  // The limit of the largest rpc; `requestFrames` applies the limit of each rpc.
  'grpc.max_receive_message_length': BATCH_LIMITS.maxBytes,

  // Node ends a connection on which about 1,000 streams were reset in a burst. If every call of a connection is
  // given up at once, as when deadlines fire in a stall, that must stay clear of it. And each may hold a request
  // that never becomes complete: with the size above, 53 MiB a connection, before anybody has signed in.
  'grpc.max_concurrent_streams': 200,

  // Megabytes that one connection may hold in buffers; then its new streams are refused.
  'grpc-node.max_session_memory': 64,

  // A peer that is gone without a word is noticed within 80 s.
  'grpc.keepalive_time_ms': 60_000,
  'grpc.keepalive_timeout_ms': 20_000,

  // A connection is told to go after half an hour (give or take a tenth), so that load finds new replicas; calls
  // under way have half a minute more.
  'grpc.max_connection_age_ms': 30 * 60_000,
  'grpc.max_connection_age_grace_ms': 30_000,

  // Its bookkeeping is paid for by every call, and nobody can ask for it here.
  'grpc.enable_channelz': 0,
};
