-- Counts one sign-in attempt as failed in several buckets of an account, or in none of them. Implements
-- `decideAttempt` of core/sign-in/login-limits.ts.
--
-- KEYS  1 the attempts of the account: a hash by the bucket's name. A value is 'forgiven at' and 'last attempt at',
--       separated by a space; times are in milliseconds since the Unix epoch. Damaged values count as missing.
-- ARGV  1 attempt id, 2 now, 3 time in which one failure is forgiven, 4 first delay,
--       5 upper bound of the difference between two clocks, 6… for each bucket: name, failures without a delay,
--       longest delay, failures that count at most
-- Returns  {attempt id, milliseconds to wait}; 0: the attempt was counted
-- Invariant  A refused attempt changes nothing. At most MAX_BUCKETS are kept; those forgiven soonest are dropped.

local MAX_BUCKETS = 64
local id, now, forgive = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local first_delay, max_ahead = tonumber(ARGV[4]), tonumber(ARGV[5])

local wait, ttl, counted = 0, 0, {}
for i = 6, #ARGV, 4 do
  local name, free, most = ARGV[i], tonumber(ARGV[i + 1]), tonumber(ARGV[i + 3])
  local forgiven_at, last_at = read_bucket(call('HGET', KEYS[1], name))
  if last_at > now + max_ahead then last_at = 0 end
  local failures = math.min(math.ceil(math.max(0, forgiven_at - now) / forgive), most)
  if failures >= free then
    local delay = math.min(first_delay * 2 ^ (failures - free), tonumber(ARGV[i + 2]))
    wait = math.max(wait, last_at + delay - now)
  end
  local from = math.min(math.max(forgiven_at, now), now + (most - 1) * forgive)
  counted[#counted + 1] = {name, from + forgive, math.max(last_at, now)}
  ttl = math.max(ttl, from + forgive - now)
end
if wait > 0 then return {id, string.format('%.0f', wait)} end

for _, bucket in ipairs(counted) do write_bucket(KEYS[1], bucket[1], bucket[2], bucket[3]) end
if call('PTTL', KEYS[1]) < ttl then call('PEXPIRE', KEYS[1], string.format('%.0f', ttl)) end

local too_many = call('HLEN', KEYS[1]) - MAX_BUCKETS
if too_many > 0 then
  local own, others = {}, {}
  for _, bucket in ipairs(counted) do own[bucket[1]] = true end
  local all = call('HGETALL', KEYS[1])
  for i = 1, #all, 2 do
    if not own[all[i]] then others[#others + 1] = {all[i], (read_bucket(all[i + 1]))} end
  end
  table.sort(others, function(a, b) return a[2] < b[2] end)
  for i, other in ipairs(others) do
    if i > too_many and other[2] > now then break end
    call('HDEL', KEYS[1], other[1])
  end
end
return {id, '0'}
