-- Ends all sessions of a user except one, or those with an older security version except one.
--
-- KEYS  1 sessions, 2 cut-off
-- ARGV  1 tombstone key prefix, 2 user id, 3 id of the session to keep, 4 reason, 5 now, 6 ttl of a tombstone,
--       7 security version: sessions with it or a later one go on too, and the one to keep gets it; '' for none,
--       8 ttl of the cut-off
-- Returns  {user id, sid, reason, ended at, …}: the sessions ended by this call, and those that ended before and whose
--          end is not logged; the caller checks the user id
-- Invariant  No record remains except those that go on. With a security version, no later login or refresh with an
--            older one succeeds. A session whose deadline has passed ends with the reason of the deadline and is not
--            returned: it has no living access token.

local prefix, user_id, kept, reason, now, ttl = unpack(ARGV)
local version, cutoff_ttl = tonumber(ARGV[7]), tonumber(ARGV[8])
local reply = {user_id}
local function add(sid, why, at)
  for _, value in ipairs({sid, why, at}) do reply[#reply + 1] = value end
end

local function end_living(sid, session)
  local passed, deadline
  if session then passed, deadline = passed_deadline(session, tonumber(now)) end
  if passed then
    write_tombstone(KEYS[1], prefix .. sid, sid, passed, deadline, ttl)
  else
    end_session(KEYS[1], prefix .. sid, sid, reason, now, ttl)
    add(sid, reason, now)
  end
end

local function keep(sid, record)
  local session = version and is_living(record) and parse(record)
  if not session or session.security_version >= version then return end
  local updated = record:gsub('^(%[%d+,%d+,%d+,%d+,%d+,)%d+', '%1' .. ARGV[7])
  call('HSET', KEYS[1], sid, updated)
end

local all = call('HGETALL', KEYS[1])
for i = 1, #all, 2 do
  local sid, value = all[i], all[i + 1]
  if not is_session_id(sid, tonumber(now)) then
    call('HDEL', KEYS[1], sid)
  elseif sid == kept then
    keep(sid, value)
  elseif is_living(value) then
    local session = parse(value)
    local is_current = version and session and session.security_version >= version
    if not is_current then end_living(sid, session) end
  else
    local tombstone = read_tombstone(prefix .. sid)
    if tombstone and tombstone[3] == '' then
      add(sid, tombstone[1], tombstone[2])
    else
      call('HDEL', KEYS[1], sid)
    end
  end
end

if version then
  local before = whole(call('HGET', KEYS[2], 'security_version'), MAX_VERSION)
  call('HSET', KEYS[2], 'security_version', ('%.0f'):format(math.max(version, before)))
  if call('PTTL', KEYS[2]) < cutoff_ttl then call('PEXPIRE', KEYS[2], ARGV[8]) end
end
return reply
