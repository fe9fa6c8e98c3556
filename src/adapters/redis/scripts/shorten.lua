-- Lowers the deadlines of one session.
--
-- KEYS  1 sessions, 2 tombstone
-- ARGV  1 session id, 2 latest time for both deadlines
-- Returns  {'live', sid, record} after the step, or as read.lua
-- Invariant  No deadline is raised. An ended session is never modified.

local sid, deadline = ARGV[1], tonumber(ARGV[2])
local session, record = read_living(KEYS[1], KEYS[2], sid)
-- Without a session, the second value is the reply.
if not session then return record end

local before, rest = record:match('^(%[%d+,%d+,%d+,)%d+,%d+(,.*)$')
local idle = math.min(session.idle_deadline, deadline)
local absolute = math.min(session.absolute_deadline, deadline)
record = before .. ('%.0f,%.0f'):format(idle, absolute) .. rest
call('HSET', KEYS[1], sid, record)
return {'live', sid, record}
