-- Fixes the user whom a flow signs in; take-flow.lua describes the flow.
--
-- KEYS  1 the flow
-- ARGV  1 flow id, 2 user id
-- Returns  {id, user id}; the user id is empty if there is no such flow
-- Invariant  The first user stays.

local state, user = unpack(call('HMGET', KEYS[1], 'state', 'user_id'))
if not state then return {ARGV[1], ''} end
if not user or user == '' then
  user = ARGV[2]
  call('HSET', KEYS[1], 'user_id', user)
end
return {ARGV[1], user}
