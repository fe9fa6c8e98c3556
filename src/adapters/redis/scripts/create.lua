-- Creates a session record and ends earlier sessions of the same device. Refuses if the user's sessions were ended
-- since the user was read, or if the user is at the session limit. core/session/device-policy.ts has the rule.
--
-- KEYS  1 sessions, 2 tombstone of the session, 3 cut-off
-- ARGV  1 tombstone key prefix, 2 session id, 3 now, 4 time until the session's first deadline, plus its jitter,
--       5 maximum sessions, 6 ttl of a tombstone, 7 record, 8 which sessions count: 'all' | 'same-platform',
--       9 how many records to return at the limit
-- Returns  {'created', sid, unlogged} | {'user-changed', sid} | {'clock-behind', sid, cut-off}
--          | {'full', sid, unlogged, counted, records}
--          unlogged: {sid, ended at} of each replaced session whose end is not logged; counted: the sids that count,
--          oldest first; records: those of the first of them
-- Invariant  No living record is older than the user's cut-off. A replaced session counts towards the limit until its
--            end is logged. 'full' ends only sessions whose deadline has passed. The hash outlives every session in it.

local prefix, sid, now, ttl = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local most, tombstone_ttl, session = tonumber(ARGV[5]), ARGV[6], parse(ARGV[7])

local cutoff = call('HMGET', KEYS[3], 'security_version', 'created_until')
if whole(cutoff[1], MAX_VERSION) > session.security_version then return {'user-changed', sid} end
if created_at(sid) <= whole(cutoff[2], tonumber(now) + MAX_AHEAD) then return {'clock-behind', sid, cutoff[2]} end
if call('EXISTS', KEYS[2]) == 1 or call('HEXISTS', KEYS[1], sid) == 1 then
  return redis.error_reply('EXISTS a session with this id exists')
end

local function is_same_device(other)
  return session.device_id ~= '' and other.device_id == session.device_id and other.client_id == session.client_id
end

-- Redis runs scripts in the C locale, where only ASCII letters have a lower case.
local function platform_of(any)
  return tostring(any.platform):match('^ *(.-) *$'):lower()
end

-- own: earlier sessions of this device. unlogged: replaced sessions whose end is not logged. counted: the others that
-- count towards the limit.
local own, unlogged, counted, records = {}, {}, {}, {}
local all = call('HGETALL', KEYS[1])
for i = 1, #all, 2 do
  local other_sid, value = all[i], all[i + 1]
  local other = is_session_id(other_sid, tonumber(now)) and is_living(value) and parse(value)
  if other then
    local passed, at = passed_deadline(other, tonumber(now))
    if passed then
      write_tombstone(KEYS[1], prefix .. other_sid, other_sid, passed, at, tombstone_ttl)
    elseif is_same_device(other) then
      own[#own + 1] = other_sid
    elseif ARGV[8] == 'all' or platform_of(other) == platform_of(session) then
      counted[#counted + 1] = other_sid
      records[other_sid] = value
    end
  elseif value == UNLOGGED then
    local ended = read_tombstone(prefix .. other_sid)
    if not ended or ended[3] ~= '' then
      call('HDEL', KEYS[1], other_sid)
    elseif ended[1] == REPLACED then
      unlogged[#unlogged + 1] = {other_sid, ended[2]}
    end
  end
  -- A record that cannot be parsed does not count towards the limit. It is refused when it is read.
end

if #counted + #unlogged + 1 > most then
  -- A session id begins with its creation time.
  table.sort(counted)
  local first = {}
  for i = 1, tonumber(ARGV[9]) do first[i] = records[counted[i]] end
  return {'full', sid, unlogged, counted, first}
end

for _, earlier in ipairs(own) do
  end_session(KEYS[1], prefix .. earlier, earlier, REPLACED, now, tombstone_ttl)
  unlogged[#unlogged + 1] = {earlier, now}
end

call('HSET', KEYS[1], sid, ARGV[7])
if call('PTTL', KEYS[1]) < ttl then call('PEXPIRE', KEYS[1], ('%.0f'):format(ttl)) end
return {'created', sid, unlogged}
