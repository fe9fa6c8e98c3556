-- Ends one session. If its deadline has passed, it ended then.
--
-- KEYS  1 sessions, 2 tombstone
-- ARGV  1 session id, 2 reason, 3 now, 4 ttl of a tombstone,
--       5 '1': a missing session gets a tombstone, so that later calls can report the reason.
--         '0': a missing session changes nothing
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
local session = is_living(record) and parse(record)
local passed, deadline
if session then passed, deadline = passed_deadline(session, tonumber(now)) end
if passed then
  write_tombstone(KEYS[1], KEYS[2], sid, passed, deadline, ttl)
else
  end_session(KEYS[1], KEYS[2], sid, reason, now, ttl)
end
return {sid, passed or reason, deadline or now, ''}
