-- One refresh: the rule of core/session/rotation.ts as one step.
--
-- KEYS  1 session, 2 index, 3 cut-off
-- ARGV  1 packed session id, 2 generation presented, 3 security version, 4 now, 5 grace, 6 idle ttl,
--       7 ttl of a tombstone, 8 jitter added to the record's ttl
-- Returns  {'rotated' | 'replayed', sid, fields and values in turn} | {'reused' | 'ended', sid, reason, at, revision}
--          | {'missing', sid} | {'user-changed', sid}
-- Invariant  of one generation there is one successor; a record that has ended is never written to

local sid, presented, version, now = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local grace, idle_ttl, tombstone_ttl, jitter = tonumber(ARGV[5]), tonumber(ARGV[6]), ARGV[7], tonumber(ARGV[8])

local record = redis.call('HMGET', KEYS[1], 'g', 'r', 'i', 'x', 'e', 't', 'v')
if record[5] then return {'ended', sid, record[5], record[6], record[7] or ''} end
if not record[1] then return {'missing', sid} end

local cutoff_version = redis.call('HGET', KEYS[3], 'v')
if cutoff_version and tonumber(cutoff_version) > version then return {'user-changed', sid} end

local function finish(kind, reason)
  bury(KEYS[1], KEYS[2], sid, reason, ARGV[4], tombstone_ttl)
  return {kind, sid, reason, ARGV[4], ''}
end

local current, refreshed, idle, absolute = tonumber(record[1]), tonumber(record[2]), tonumber(record[3]), tonumber(record[4])
if now >= absolute then return finish('ended', 'MAX_LIFETIME') end
if now >= idle then return finish('ended', 'IDLE') end

local kind = 'replayed'
if presented >= current then
  kind = 'rotated'
  local deadline = math.min(now + idle_ttl, absolute)
  redis.call('HSET', KEYS[1], 'g', string.format('%.0f', presented + 1), 'r', ARGV[4], 'i', string.format('%.0f', deadline))
  redis.call('PEXPIRE', KEYS[1], string.format('%.0f', deadline - now + jitter))
elseif presented ~= current - 1 or now - refreshed > grace then
  return finish('reused', 'REFRESH_TOKEN_REUSED')
end
return {kind, sid, redis.call('HGETALL', KEYS[1])}
