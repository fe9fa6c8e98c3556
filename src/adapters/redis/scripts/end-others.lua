-- Ends all sessions of a user except one.
--
-- KEYS  1 sessions
-- ARGV  1 tombstone key prefix, 2 user id, 3 id of the session to keep, 4 reason, 5 now, 6 ttl of a tombstone
-- Returns  {user id, sid, reason, ended at, …}: the sessions ended by this call, and those that ended before and whose
--          end is not logged; the caller checks the user id
-- Invariant  No record remains except the one to keep. A session whose deadline has passed ends with the reason of the
--            deadline and is not returned: it has no living access token.

local prefix, user_id, kept, reason, now, ttl = unpack(ARGV)
local reply = {user_id}
local function add(sid, why, at)
  for _, value in ipairs({sid, why, at}) do reply[#reply + 1] = value end
end

local all = call('HGETALL', KEYS[1])
for i = 1, #all, 2 do
  local sid, value = all[i], all[i + 1]
  if not is_session_id(sid, tonumber(now)) then
    call('HDEL', KEYS[1], sid)
  elseif sid ~= kept and is_living(value) then
    local session = parse(value)
    local passed = session and passed_deadline(session, tonumber(now))
    if passed then
      write_tombstone(KEYS[1], prefix .. sid, sid, passed, now, ttl)
    else
      end_session(KEYS[1], prefix .. sid, sid, reason, now, ttl)
      add(sid, reason, now)
    end
  elseif sid ~= kept then
    local tombstone = read_tombstone(prefix .. sid)
    if tombstone and tombstone[3] == '' then
      add(sid, tombstone[1], tombstone[2])
    else
      call('HDEL', KEYS[1], sid)
    end
  end
end
return reply
