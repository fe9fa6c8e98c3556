-- Lowers the deadlines of one session.
--
-- KEYS  1 sessions, 2 tombstone
-- ARGV  1 session id, 2 latest time for both deadlines
-- Returns  {'live', sid, record} after the step, or as read.lua
-- Invariant  No deadline is raised. An ended session is never modified.

local sid, deadline = ARGV[1], tonumber(ARGV[2])
local record = call('HGET', KEYS[1], sid)
if not is_living(record) then
  local tombstone = read_tombstone(KEYS[2])
  if not tombstone then return {'missing', sid} end
  return {'ended', sid, unpack(tombstone)}
end
local session, why_not = parse(record)
if not session then return {why_not, sid} end

local before, rest = record:match('^(%[%d+,%d+,%d+,)%d+,%d+(,.*)$')
local idle = math.min(session.idle_deadline, deadline)
local absolute = math.min(session.absolute_deadline, deadline)
record = before .. ('%.0f,%.0f'):format(idle, absolute) .. rest
call('HSET', KEYS[1], sid, record)
return {'live', sid, record}
