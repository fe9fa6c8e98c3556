-- Takes a flow when its browser has come back from an identity provider. core/sign-in/external-flow.ts has the rule.
--
-- A flow is a hash. Its fields: format (1), provider, secret (SHA-256 of the flow secret), linker_user, linker_session
-- (both empty: the flow signs in), state, expires_at, session_id, taken_at, account (empty, or a JSON object with
-- subject, display_name and methods), and once it is known user_id (whom the flow signs in). Times are in milliseconds.
--
-- KEYS  1 the flow
-- ARGV  1 flow id, 2 now, 3 SHA-256 of the presented secret, 4 id of the session to open, 5 time to keep a taken flow
-- Returns  {'missing', id} | {'taken' | 'again', id, field, value, …}; the caller checks the id, as a driver can match a
--          reply to the wrong command
-- Invariant  One call takes a flow. A wrong secret changes nothing.

local id, now = ARGV[1], tonumber(ARGV[2])
local format, secret, state, expires_at = unpack(call('HMGET', KEYS[1], 'format', 'secret', 'state', 'expires_at'))
local is_known = format == '1' and secret == ARGV[3] and now < (tonumber(expires_at) or 0)
if not is_known then return {'missing', id} end
local kind = 'again'
if state == 'PENDING' then
  kind = 'taken'
  local expiry = ('%.0f'):format(now + tonumber(ARGV[5]))
  call('HSET', KEYS[1], 'state', 'TAKEN', 'session_id', ARGV[4], 'taken_at', ARGV[2], 'expires_at', expiry)
  call('PEXPIRE', KEYS[1], ARGV[5])
end
return {kind, id, unpack(call('HGETALL', KEYS[1]))}
