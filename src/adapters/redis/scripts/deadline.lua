-- Put before the text of every script: refuses to run it after its deadline.
--
-- ARGV  the last one, removed here: the deadline, milliseconds since 1970 by the clock of this Redis
-- Returns  the error 'LATE <now>' if the deadline has passed; <now> is by the same clock
-- Invariant  a command that Redis buffered while it was frozen changes nothing after its caller gave up

local deadline = tonumber(table.remove(ARGV))
local time = redis.call('TIME')
local redis_now = time[1] * 1000 + math.floor(time[2] / 1000)
if redis_now > deadline then return redis.error_reply(string.format('LATE %.0f', redis_now)) end

