-- Opens a session: makes its record and ends earlier sessions of the same device, unless the user's sessions were ended
-- meanwhile or there is no room.
--
-- KEYS  1 sessions, 2 tombstone of the session, 3 cut-off
-- ARGV  1 tombstone key prefix, 2 packed session id, 3 created at, 4 now, 5 time until the session's first deadline
--       and its jitter, 6 security version, 7 most sessions of a user, 8 ttl of a tombstone,
--       9 record, 10… its pieces
-- Returns  {'created', sid, replaced sid, ended at, …} | {'full', sid, sid to end, …} | {'user-changed', sid}
--          | {'clock-behind', sid, cut-off}
-- Invariant  no living record is older than the user's cut-off; a session that was replaced takes up room until its end
--            is logged; 'full' ends no session but those whose deadline has passed; the hash outlives every session in it

local prefix, sid, created, now = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]
local ttl, version, most, tombstone_ttl = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7]), ARGV[8]
local device = device_mark(ARGV[9])

local cutoff = redis.call('HMGET', KEYS[3], 'v', 'a')
if whole(cutoff[1], MAX_VERSION) > version then return {'user-changed', sid} end
if created <= whole(cutoff[2], tonumber(now) + MAX_AHEAD) then return {'clock-behind', sid, cutoff[2]} end
if redis.call('EXISTS', KEYS[2]) == 1 or redis.call('HEXISTS', KEYS[1], sid) == 1 then
  return redis.error_reply('EXISTS a session with this id exists')
end

-- own: earlier sessions of this device; unlogged: replaced sessions whose end is not logged; others: all other sessions.
local own, unlogged, others = {}, {}, {}
local all = redis.call('HGETALL', KEYS[1])
for i = 1, #all, 2 do
  local other, record = all[i], all[i + 1]
  if #other == ID_LENGTH then
    if not is_living(record) then
      local tombstone = redis.call('HMGET', prefix .. other, 'e', 't', 'v')
      if tombstone[1] == 'REPLACED' and not tombstone[3] then
        unlogged[#unlogged + 1] = {other, tombstone[2]}
      else
        redis.call('HDEL', KEYS[1], other)
      end
    elseif not is_record(record) then
      -- Damaged: takes up no room, and is refused when it is read.
    elseif tonumber(now) >= absolute_deadline(record) then
      bury(KEYS[1], prefix .. other, other, 'MAX_LIFETIME', now, tombstone_ttl)
    elseif tonumber(now) >= number(record, 17, 24) then
      bury(KEYS[1], prefix .. other, other, 'IDLE', now, tombstone_ttl)
    elseif device ~= '' and device_mark(record) == device then
      own[#own + 1] = {other, now}
    else
      others[#others + 1] = {other, record}
    end
  end
end

local too_many = #others + #unlogged + 1 - most
if too_many > 0 then
  local reply = {'full', sid}
  for _, session in ipairs(unlogged) do reply[#reply + 1] = session[1] end
  sort_by_deadline(others)
  for i = 1, too_many - #unlogged do reply[#reply + 1] = others[i][1] end
  return reply
end

local reply = {'created', sid}
for _, session in ipairs(own) do replace(KEYS[1], prefix .. session[1], session[1], now, tombstone_ttl) end
for _, list in ipairs({own, unlogged}) do
  for _, session in ipairs(list) do
    reply[#reply + 1] = session[1]
    reply[#reply + 1] = session[2]
  end
end

local fields = {sid, ARGV[9]}
for i = 10, #ARGV do
  fields[#fields + 1] = sid .. (i - 10)
  fields[#fields + 1] = ARGV[i]
end
redis.call('HSET', KEYS[1], unpack(fields))
if redis.call('PTTL', KEYS[1]) < ttl then redis.call('PEXPIRE', KEYS[1], string.format('%.0f', ttl)) end
return reply
