-- Ends all sessions of a user and stores the cut-off. A concurrent login or refresh that read the user before this
-- cannot restore a session.
--
-- KEYS  1 sessions, 2 cut-off
-- ARGV  1 tombstone key prefix, 2 reason, 3 now, 4 ttl of a tombstone, 5 ttl of the cut-off, 6 security version,
--       7 end only sessions created up to this instant; '' for all, 8 user id
-- Returns  {user id, cut-off, sid, reason, ended at, …}: the cut-off, and the sessions that it covers, ended before and
--          whose end is not logged; the caller checks the user id
-- Invariant  Every living record is younger than the cut-off, whichever server's clock made its id. A session whose
--            deadline has passed ends with the reason of the deadline. The field of an unlogged end remains.

local prefix, reason, now, tombstone_ttl, cutoff_ttl = ARGV[1], ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5])
local version, up_to = tonumber(ARGV[6]), tonumber(ARGV[7])

local at = up_to or tonumber(now)
local reply = {ARGV[8], ''}
local all = call('HGETALL', KEYS[1])
for i = 1, #all, 2 do
  local sid, value = all[i], all[i + 1]
  if not is_session_id(sid, tonumber(now)) then
    call('HDEL', KEYS[1], sid)
  elseif not up_to or created_at(sid) <= up_to then
    at = math.max(at, created_at(sid))
    if is_living(value) then
      local session = parse(value)
      local passed, deadline
      if session then passed, deadline = passed_deadline(session, tonumber(now)) end
      write_tombstone(KEYS[1], prefix .. sid, sid, passed or reason, deadline or now, tombstone_ttl)
    else
      local tombstone = read_tombstone(prefix .. sid)
      if tombstone and tombstone[3] == '' then
        for _, part in ipairs({sid, tombstone[1], tombstone[2]}) do reply[#reply + 1] = part end
      else
        call('HDEL', KEYS[1], sid)
      end
    end
  end
end

local before = call('HMGET', KEYS[2], 'security_version', 'created_until')
call('HSET', KEYS[2],
  'security_version', string.format('%.0f', math.max(version, whole(before[1], MAX_VERSION))),
  'created_until', string.format('%.0f', math.max(at, whole(before[2], tonumber(now) + MAX_AHEAD))))
if call('PTTL', KEYS[2]) < cutoff_ttl then call('PEXPIRE', KEYS[2], cutoff_ttl) end
reply[2] = string.format('%.0f', at)
return reply
