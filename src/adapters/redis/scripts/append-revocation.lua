-- Appends to the revocation log, beginning it if there is none, and drops what nobody can need any more.
--
-- KEYS  1 stream, 2 genesis
-- ARGV  1 now, 2 retention, 3… fields of the entry and their values, in turn
-- Returns  the entry's id
-- Invariant  there is no log without its genesis; ages are judged by the clock that makes the ids

redis.call('SET', KEYS[2], ARGV[1], 'NX')
local time = redis.call('TIME')
local horizon = time[1] * 1000 + math.floor(time[2] / 1000) - tonumber(ARGV[2])
return redis.call('XADD', KEYS[1], 'MINID', '~', string.format('%.0f', horizon), '*', unpack(ARGV, 3))
