-- Reads all sessions of a user that have not ended.
--
-- KEYS  1 sessions
-- ARGV  1 user id, 2 now
-- Returns  {user id, sid, record, …}, in no order; the caller checks the user id. A record may be damaged, or its deadline
--          may have passed.
-- Invariant  Nothing is written.

local reply = {ARGV[1]}
local all = call('HGETALL', KEYS[1])
for i = 1, #all, 2 do
  if is_session_id(all[i], tonumber(ARGV[2])) and is_living(all[i + 1]) then
    reply[#reply + 1] = all[i]
    reply[#reply + 1] = all[i + 1]
  end
end
return reply
