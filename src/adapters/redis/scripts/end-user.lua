-- Ends every session of a user and remembers the cut-off, so that a login or refresh under way with what was read
-- of the user before cannot bring one back.
--
-- KEYS  1 sessions, 2 cut-off
-- ARGV  1 tombstone key prefix, 2 reason, 3 now, 4 ttl of a tombstone, 5 ttl of the cut-off, 6 security version,
--       7 end sessions created up to this instant; '' for all
-- Returns  {cut-off, sid, …}: those that were alive
-- Invariant  no living record is as old as the cut-off, whichever server's clock made its id; a session that was replaced,
--            its end not logged, is as old: the cut-off stands for that end

local prefix, reason, now, tombstone_ttl, cutoff_ttl = ARGV[1], ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5])
local version, up_to = tonumber(ARGV[6]), tonumber(ARGV[7])

local living, at = {}, up_to or tonumber(now)
local all = redis.call('HGETALL', KEYS[1])
for i = 1, #all, 2 do
  local sid, record = all[i], all[i + 1]
  if #sid == ID_LENGTH and not is_id(sid, tonumber(now)) then
    redis.call('HDEL', KEYS[1], sid)
  elseif #sid == ID_LENGTH and (not up_to or created_at(sid) <= up_to) then
    if is_living(record) then
      living[#living + 1] = {sid, record}
    else
      at = math.max(at, created_at(sid))
      redis.call('HDEL', KEYS[1], sid)
    end
  end
end

sort_by_deadline(living)
local reply = {''}
for _, session in ipairs(living) do
  local sid = session[1]
  bury(KEYS[1], prefix .. sid, sid, reason, now, tombstone_ttl)
  reply[#reply + 1] = sid
  at = math.max(at, created_at(sid))
end
reply[1] = string.format('%.0f', at)

local before = redis.call('HMGET', KEYS[2], 'v', 'a')
redis.call('HSET', KEYS[2],
  'v', string.format('%.0f', math.max(version, whole(before[1], MAX_VERSION))),
  'a', string.format('%.0f', math.max(at, whole(before[2], tonumber(now) + MAX_AHEAD))))
if redis.call('PTTL', KEYS[2]) < cutoff_ttl then redis.call('PEXPIRE', KEYS[2], cutoff_ttl) end
return reply
