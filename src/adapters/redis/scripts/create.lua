-- Opens a session: makes its record, unless the user's sessions were ended meanwhile; replaces the session of the
-- same device, and the oldest ones beyond the limit.
--
-- KEYS  1 session, 2 index, 3 cut-off
-- ARGV  1 session key prefix, 2 packed session id, 3 created at, 4 absolute deadline, 5 idle deadline, 6 now,
--       7 ttl of the record, 8 security version, 9 most sessions of a user, 10 ttl of a tombstone,
--       11 client id, 12 device id, 13… fields of the record and their values, in turn
-- Returns  {'created', sid, replaced sid, ended at, …} | {'user-changed', sid} | {'clock-behind', sid, cut-off}
-- Invariant  every living record is in the index, and none is older than the user's cut-off; a replaced one stays in
--            the index until its ending is logged, so that the next login reports it again if this one fails

local prefix, sid, created, absolute, idle = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4], ARGV[5]
local now, ttl, version, most, tombstone_ttl = ARGV[6], ARGV[7], tonumber(ARGV[8]), tonumber(ARGV[9]), ARGV[10]
local client, device = ARGV[11], ARGV[12]

local cutoff = redis.call('HMGET', KEYS[3], 'v', 'a')
if cutoff[1] and tonumber(cutoff[1]) > version then return {'user-changed', sid} end
if cutoff[2] and created <= tonumber(cutoff[2]) then return {'clock-behind', sid, cutoff[2]} end
if redis.call('EXISTS', KEYS[1]) == 1 then return redis.error_reply('EXISTS a session with this id exists') end

local replaced, kept = {}, {}
local function replace(other, deadline)
  bury(prefix .. other, KEYS[2], other, 'REPLACED', now, tombstone_ttl)
  redis.call('ZADD', KEYS[2], deadline, other)
  replaced[#replaced + 1] = other
  replaced[#replaced + 1] = now
end
for _, other in ipairs(redis.call('ZRANGE', KEYS[2], 0, -1)) do
  local key = prefix .. other
  local record = redis.call('HMGET', key, 'g', 'i', 'x', 'c', 'd', 'e', 't', 'v')
  if record[6] == 'REPLACED' and not record[8] then
    replaced[#replaced + 1] = other
    replaced[#replaced + 1] = record[7]
  elseif not record[1] then
    redis.call('ZREM', KEYS[2], other)
  elseif tonumber(now) >= tonumber(record[3]) then
    bury(key, KEYS[2], other, 'MAX_LIFETIME', now, tombstone_ttl)
  elseif tonumber(now) >= tonumber(record[2]) then
    bury(key, KEYS[2], other, 'IDLE', now, tombstone_ttl)
  elseif device ~= '' and record[5] == device and (record[4] or '') == client then
    replace(other, record[3])
  else
    kept[#kept + 1] = {other, record[3]}
  end
end
for i = 1, #kept + 1 - most do replace(kept[i][1], kept[i][2]) end

redis.call('HSET', KEYS[1], 'g', 1, 'r', ARGV[3], 'i', idle, 'x', absolute, unpack(ARGV, 13))
redis.call('PEXPIRE', KEYS[1], ttl)
redis.call('ZADD', KEYS[2], absolute, sid)
-- The index lives as long as the record that lives longest.
local index_ttl = tonumber(absolute) - tonumber(now) + 60000
if redis.call('PTTL', KEYS[2]) < index_ttl then redis.call('PEXPIRE', KEYS[2], index_ttl) end
return {'created', sid, unpack(replaced)}
