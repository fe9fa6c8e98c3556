-- Ends one session. A missing session also gets a tombstone, so that later calls can report the reason.
--
-- KEYS  1 sessions, 2 tombstone
-- ARGV  1 session id, 2 reason, 3 now, 4 ttl of a tombstone
-- Returns  {sid, reason, ended at, revision or ''} of this end, or of an earlier one
-- Invariant  The first end is kept. No record remains. The field of a replaced session remains; see `replace`.

local sid, reason, now, ttl = unpack(ARGV)
local tombstone = read_tombstone(KEYS[2])
-- A record beside a tombstone is damage, so its session is ended again.
if tombstone and not is_living(redis.call('HGET', KEYS[1], sid)) then return {sid, unpack(tombstone)} end
if reason == REPLACED then
  replace(KEYS[1], KEYS[2], sid, now, ttl)
else
  write_tombstone(KEYS[1], KEYS[2], sid, reason, now, ttl)
end
return {sid, reason, now, ''}
