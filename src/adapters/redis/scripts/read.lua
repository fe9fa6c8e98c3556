-- Reads one session.
--
-- KEYS  1 sessions, 2 tombstone
-- ARGV  1 session id
-- Returns  {'live', sid, record} | {'ended', sid, reason, ended at, revision or '', logged at or ''}
--          | {'missing', sid} | {'unreadable' | 'later', sid}; the caller checks sid, as a driver can match a reply to the wrong command
-- Invariant  Nothing is written.

local sid = ARGV[1]
local record = call('HGET', KEYS[1], sid)
if is_living(record) then
  local session, why_not = parse(record)
  if not session then return {why_not, sid} end
  return {'live', sid, record}
end
local tombstone = read_tombstone(KEYS[2])
if not tombstone then return {'missing', sid} end
return {'ended', sid, unpack(tombstone)}
