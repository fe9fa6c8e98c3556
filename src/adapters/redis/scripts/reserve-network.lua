-- Counts one sign-in attempt as failed, or one QR ticket, at its network, unless too many were counted in the window.
--
-- KEYS  1 the attempts of the network: a sorted set of attempt ids by time
-- ARGV  1 attempt id, 2 now, 3 length of the window, 4 attempts that a window may hold
-- Returns  {attempt id, milliseconds to wait}; 0: the attempt was counted
-- Invariant  The set holds at most that many attempts. A refused attempt counts nowhere.

local id, now, window, most = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now - window))
local held = call('ZCARD', KEYS[1])
if held >= most then
  local leaving = call('ZRANGE', KEYS[1], held - most, held - most, 'WITHSCORES')[2]
  return {id, string.format('%.0f', tonumber(leaving) + window - now)}
end
call('ZADD', KEYS[1], ARGV[2], id)
call('PEXPIRE', KEYS[1], ARGV[3])
return {id, '0'}
