-- Prepended to every script: refuses to run it after its deadline.
--
-- ARGV  the last one, removed here: the deadline, in milliseconds since the Unix epoch by the clock of this Redis
-- Returns  the error 'LATE <now>' if the deadline has passed; <now> is by the same clock
-- Defines  call: redis.call, shorter for slow lines
-- Invariant  A command that a frozen Redis buffered changes nothing after its caller's timeout.

local call = redis.call
local deadline = tonumber(table.remove(ARGV))
local time = call('TIME')
local redis_now = time[1] * 1000 + math.floor(time[2] / 1000)
if redis_now > deadline then return redis.error_reply(('LATE %.0f'):format(redis_now)) end

