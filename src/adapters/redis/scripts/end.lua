-- Ends one session. A session that is missing gets a tombstone too: whoever asks later is told why.
--
-- KEYS  1 sessions, 2 tombstone
-- ARGV  1 session id, 2 reason, 3 now, 4 ttl of a tombstone
-- Returns  {sid, reason, ended at, revision or ''}: of this end, or of the one before it
-- Invariant  the first end stays; no record is left

local sid, reason, now, ttl = unpack(ARGV)
local tombstone = read_tombstone(KEYS[2])
if tombstone and not is_living(redis.call('HGET', KEYS[1], sid)) then return {sid, unpack(tombstone)} end
if reason == REPLACED then
  replace(KEYS[1], KEYS[2], sid, now, ttl)
else
  write_tombstone(KEYS[1], KEYS[2], sid, reason, now, ttl)
end
return {sid, reason, now, ''}
