-- Ends one session.
--
-- KEYS  1 sessions, 2 tombstone
-- ARGV  1 session id, 2 reason, 3 now, 4 ttl of a tombstone,
--       5 '1': a missing session gets a tombstone, so that later calls can report the reason.
--         '0': a missing session changes nothing, and one whose deadline has passed ends with the reason of the deadline
-- Returns  {sid, reason, ended at, revision or '', logged at or ''} of this end, or of an earlier one
--          | {sid}: the session is missing
-- Invariant  The first end is kept. No record remains. The field remains until the end is logged.

local sid, reason, now, ttl, may_be_missing = unpack(ARGV)
local record = call('HGET', KEYS[1], sid)
-- A record beside a tombstone is damage, so its session is ended again.
if not is_living(record) then
  local tombstone = read_tombstone(KEYS[2])
  if tombstone then return {sid, unpack(tombstone)} end
  if may_be_missing == '0' then return {sid} end
end
local session = may_be_missing == '0' and parse(record)
local passed = session and passed_deadline(session, tonumber(now))
if passed then
  write_tombstone(KEYS[1], KEYS[2], sid, passed, now, ttl)
else
  end_session(KEYS[1], KEYS[2], sid, reason, now, ttl)
end
return {sid, passed or reason, now, ''}
