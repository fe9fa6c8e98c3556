-- Notes in a tombstone where its end stands in the log.
--
-- KEYS  1 sessions, 2 tombstone
-- ARGV  1 session id, 2 revision
-- Returns  1 if it was noted, 0 if there is no tombstone
-- Invariant  a living or a missing session is never written to

if redis.call('HEXISTS', KEYS[2], 'reason') == 0 then return 0 end
redis.call('HSET', KEYS[2], 'revision', ARGV[2])
redis.call('HDEL', KEYS[1], ARGV[1])
return 1
