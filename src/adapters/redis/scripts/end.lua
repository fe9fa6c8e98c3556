-- Ends one session. A session that is missing gets a tombstone too: whoever asks later is told why.
--
-- KEYS  1 sessions, 2 tombstone
-- ARGV  1 packed session id, 2 reason, 3 now, 4 ttl of a tombstone
-- Returns  {sid, reason, ended at, revision or ''}: of this ending, or of the one before it
-- Invariant  the first ending stays; no record is left

local tombstone = redis.call('HMGET', KEYS[2], 'e', 't', 'v')
local record = redis.call('HGET', KEYS[1], ARGV[1])
if tombstone[1] and not is_living(record) then return {ARGV[1], tombstone[1], tombstone[2], tombstone[3] or ''} end
if ARGV[2] == 'REPLACED' then
  replace(KEYS[1], KEYS[2], ARGV[1], ARGV[3], ARGV[4])
else
  bury(KEYS[1], KEYS[2], ARGV[1], ARGV[2], ARGV[3], ARGV[4])
end
return {ARGV[1], ARGV[2], ARGV[3], ''}
