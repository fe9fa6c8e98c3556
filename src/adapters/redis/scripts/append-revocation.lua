-- Appends an entry to the revocation log, which it creates if missing. Drops the oldest entries that are not needed.
--
-- KEYS  1 stream, 2 genesis, 3 dropped: the id of the last dropped entry
-- ARGV  1 now, 2 now by the caller's monotonic clock, 3 retention, 4… names and values of the entry's fields:
--       user, session | created_until, reason, ended_at, expires_at
-- Returns  the entry's id
-- Invariant  A log always has a genesis. An entry is dropped only after its expiry and the retention after its end.
--            Both must have passed by the caller's two clocks and the clock of Redis, so one wrong clock drops nothing.

local MAX_CHECKED = 20
local DAY = 86400000

call('SET', KEYS[2], ARGV[1], 'NX')
local time, retention = call('TIME'), tonumber(ARGV[3])
local now = math.min(tonumber(ARGV[1]), tonumber(ARGV[2]), time[1] * 1000 + math.floor(time[2] / 1000))

local function is_needed(id, fields)
  local ended_at, expires_at = tonumber(fields[8]), tonumber(fields[10])
  local last = ended_at and expires_at and math.max(expires_at, ended_at + retention)
  -- A damaged entry, or one from a clock a day or more ahead, must not block trimming: use the time in its id.
  if not (last and last < now + retention + DAY) then last = tonumber(string.match(id, '^%d+')) + retention end
  return last >= now
end

local from, dropped, oldest = '-', nil, nil
for _ = 1, MAX_CHECKED do
  local entry = call('XRANGE', KEYS[1], from, '+', 'COUNT', 1)[1]
  if not entry then break end
  dropped, oldest = oldest, entry[1]
  if is_needed(entry[1], entry[2]) then break end
  from = '(' .. entry[1]
end
if not dropped then return call('XADD', KEYS[1], '*', unpack(ARGV, 4)) end
call('SET', KEYS[3], dropped)
return call('XADD', KEYS[1], 'MINID', '=', oldest, '*', unpack(ARGV, 4))
