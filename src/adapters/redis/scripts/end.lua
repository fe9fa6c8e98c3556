-- Ends one session. A session that is missing gets a tombstone too: whoever asks later is told why.
--
-- KEYS  1 session, 2 index
-- ARGV  1 packed session id, 2 reason, 3 now, 4 ttl of a tombstone
-- Returns  {sid, reason, ended at, revision or ''}: of this ending, or of the one before it
-- Invariant  the first ending stays

local record = redis.call('HMGET', KEYS[1], 'e', 't', 'v')
if record[1] then return {ARGV[1], record[1], record[2], record[3] or ''} end
bury(KEYS[1], KEYS[2], ARGV[1], ARGV[2], ARGV[3], ARGV[4])
return {ARGV[1], ARGV[2], ARGV[3], ''}
