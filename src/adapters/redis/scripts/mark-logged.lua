-- Stores in a tombstone the revision at which its end was logged.
--
-- KEYS  1 sessions, 2 tombstone
-- ARGV  1 session id, 2 revision
-- Returns  1 if it was stored, 0 if there is no tombstone
-- Invariant  A living or missing session is never modified.

if redis.call('HEXISTS', KEYS[2], 'reason') == 0 then return 0 end
redis.call('HSET', KEYS[2], 'revision', ARGV[2])
redis.call('HDEL', KEYS[1], ARGV[1])
return 1
