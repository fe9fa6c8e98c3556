-- Opens a session: makes its record, unless the user's sessions were ended meanwhile; replaces the session of the
-- same device, and the oldest ones beyond the limit.
--
-- KEYS  1 sessions, 2 tombstone of the session, 3 cut-off
-- ARGV  1 tombstone key prefix, 2 packed session id, 3 created at, 4 now, 5 time until the session's first deadline
--       and its jitter, 6 security version, 7 most sessions of a user, 8 ttl of a tombstone,
--       9 record, 10… its pieces
-- Returns  {'created', sid, replaced sid, ended at, …} | {'user-changed', sid} | {'clock-behind', sid, cut-off}
-- Invariant  no living record is older than the user's cut-off; a replaced session keeps its field until its ending is
--            logged, so that the next login reports it again if this one fails; the hash outlives every session in it

local prefix, sid, created, now = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]
local ttl, version, most, tombstone_ttl = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7]), ARGV[8]
local device = device_mark(ARGV[9])

local cutoff = redis.call('HMGET', KEYS[3], 'v', 'a')
if cutoff[1] and tonumber(cutoff[1]) > version then return {'user-changed', sid} end
if cutoff[2] and created <= tonumber(cutoff[2]) then return {'clock-behind', sid, cutoff[2]} end
if redis.call('EXISTS', KEYS[2]) == 1 or redis.call('HEXISTS', KEYS[1], sid) == 1 then
  return redis.error_reply('EXISTS a session with this id exists')
end

local reply, kept = {'created', sid}, {}
local function report(other, ended_at)
  reply[#reply + 1] = other
  reply[#reply + 1] = ended_at
end
local function replace(other)
  bury(KEYS[1], prefix .. other, other, 'REPLACED', now, tombstone_ttl)
  redis.call('HSET', KEYS[1], other, REPLACED)
  report(other, now)
end
local function look_at_replaced(other)
  local tombstone = redis.call('HMGET', prefix .. other, 'e', 't', 'v')
  if tombstone[1] == 'REPLACED' and not tombstone[3] then
    report(other, tombstone[2])
  else
    redis.call('HDEL', KEYS[1], other)
  end
end

local all = redis.call('HGETALL', KEYS[1])
for i = 1, #all, 2 do
  local other, record = all[i], all[i + 1]
  if #other == ID_LENGTH then
    if not is_living(record) then
      look_at_replaced(other)
    elseif tonumber(now) >= absolute_deadline(record) then
      bury(KEYS[1], prefix .. other, other, 'MAX_LIFETIME', now, tombstone_ttl)
    elseif tonumber(now) >= number(record, 17, 24) then
      bury(KEYS[1], prefix .. other, other, 'IDLE', now, tombstone_ttl)
    elseif device ~= '' and device_mark(record) == device then
      replace(other)
    else
      kept[#kept + 1] = {other, record}
    end
  end
end
if #kept + 1 > most then
  sort_by_deadline(kept)
  for i = 1, #kept + 1 - most do replace(kept[i][1]) end
end

local fields = {sid, ARGV[9]}
for i = 10, #ARGV do
  fields[#fields + 1] = sid .. (i - 10)
  fields[#fields + 1] = ARGV[i]
end
redis.call('HSET', KEYS[1], unpack(fields))
-- What was replaced can be told as long as its tombstone is there.
if #reply > 2 then ttl = math.max(ttl, tonumber(tombstone_ttl)) end
if redis.call('PTTL', KEYS[1]) < ttl then redis.call('PEXPIRE', KEYS[1], string.format('%.0f', ttl)) end
return reply
