-- Ends every session of a user and remembers the cut-off, so that a login or refresh under way with what was read
-- of the user before cannot bring one back.
--
-- KEYS  1 index, 2 cut-off
-- ARGV  1 session key prefix, 2 reason, 3 now, 4 ttl of a tombstone, 5 ttl of the cut-off, 6 security version,
--       7 end sessions created up to this instant; '' for all
-- Returns  {cut-off, sid, …}: those that were alive
-- Invariant  no living record is as old as the cut-off, whichever server's clock made its id

local prefix, reason, now, tombstone_ttl, cutoff_ttl = ARGV[1], ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5])
local version, up_to = tonumber(ARGV[6]), tonumber(ARGV[7])

local at = up_to or tonumber(now)
local ended = {}
for _, sid in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  local created = created_at(sid)
  if not up_to or created <= up_to then
    local key = prefix .. sid
    if redis.call('HEXISTS', key, 'g') == 1 then
      bury(key, KEYS[1], sid, reason, now, tombstone_ttl)
      ended[#ended + 1] = sid
      if created > at then at = created end
    else
      redis.call('ZREM', KEYS[1], sid)
    end
  end
end

local before = redis.call('HMGET', KEYS[2], 'v', 'a')
redis.call('HSET', KEYS[2],
  'v', string.format('%.0f', math.max(version, tonumber(before[1] or '0'))),
  'a', string.format('%.0f', math.max(at, tonumber(before[2] or '0'))))
if redis.call('PTTL', KEYS[2]) < cutoff_ttl then redis.call('PEXPIRE', KEYS[2], cutoff_ttl) end
return {string.format('%.0f', at), unpack(ended)}
