-- Stores in a tombstone at which revision and when its end was logged.
--
-- KEYS  1 sessions, 2 tombstone
-- ARGV  1 session id, 2 revision, 3 now
-- Returns  1 if it was stored, 0 if there is no tombstone
-- Invariant  A living or missing session is never modified.

if call('HEXISTS', KEYS[2], 'reason') == 0 then return 0 end
call('HSET', KEYS[2], 'revision', ARGV[2], 'logged_at', ARGV[3])
call('HDEL', KEYS[1], ARGV[1])
return 1
