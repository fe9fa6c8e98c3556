-- One refresh: the rule of core/session/rotation.ts as one step.
--
-- KEYS  1 sessions, 2 tombstone, 3 cut-off
-- ARGV  1 packed session id, 2 generation presented, 3 security version, 4 now, 5 grace, 6 idle ttl,
--       7 ttl of a tombstone, 8 jitter added to the ttl of the sessions,
--       9 packed: generation presented + 1, now; 10 packed: now + idle ttl
-- Returns  {'rotated' | 'replayed', sid, record, {piece, …}} | {'reused' | 'ended', sid, reason, at, revision}
--          | {'missing', sid} | {'user-changed', sid} | {'unreadable', sid}
-- Invariant  of one generation there is one successor; a session that has ended is never written to; the hash outlives
--            every session in it

local sid, presented, version, now = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local grace, idle_ttl, tombstone_ttl, jitter = tonumber(ARGV[5]), tonumber(ARGV[6]), ARGV[7], tonumber(ARGV[8])

local record = redis.call('HGET', KEYS[1], sid)
if not is_living(record) then
  local tombstone = redis.call('HMGET', KEYS[2], 'e', 't', 'v')
  if not tombstone[1] then return {'missing', sid} end
  return {'ended', sid, tombstone[1], tombstone[2], tombstone[3] or ''}
end

if not is_record(record) then return {'unreadable', sid} end

if whole(redis.call('HGET', KEYS[3], 'v'), MAX_VERSION) > version then return {'user-changed', sid} end

local function finish(kind, reason)
  bury(KEYS[1], KEYS[2], sid, reason, ARGV[4], tombstone_ttl)
  return {kind, sid, reason, ARGV[4], ''}
end

local absolute = absolute_deadline(record)
if now >= absolute then return finish('ended', 'MAX_LIFETIME') end
if now >= number(record, 17, 24) then return finish('ended', 'IDLE') end

local kind, current = 'replayed', number(record, 1, 8)
if presented >= current then
  kind = 'rotated'
  local deadline, idle = now + idle_ttl, ARGV[10]
  if deadline > absolute then deadline, idle = absolute, string.sub(record, 25, 32) end
  record = ARGV[9] .. idle .. string.sub(record, 25)
  redis.call('HSET', KEYS[1], sid, record)
  redis.call('PEXPIRE', KEYS[1], string.format('%.0f', deadline - now + jitter), 'GT')
elseif presented ~= current - 1 or now - number(record, 9, 16) > grace then
  return finish('reused', 'REFRESH_TOKEN_REUSED')
end
return {kind, sid, record, pieces_of(KEYS[1], sid, record)}
