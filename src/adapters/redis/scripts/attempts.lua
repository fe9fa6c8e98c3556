-- Functions shared by the scripts that count sign-in attempts; prepended when a script is loaded.

-- The maximum of a time: the last millisecond of the year 9999.
local LATEST = 253402300799999

-- Returns 'forgiven at' and 'last attempt at'; 0 and 0 if the value is missing or damaged.
local function read_bucket(value)
  local forgiven_at, last_at = string.match(value or '', '^(%d+) (%d+)$')
  forgiven_at, last_at = tonumber(forgiven_at), tonumber(last_at)
  if not forgiven_at or forgiven_at > LATEST or last_at > LATEST then return 0, 0 end
  return forgiven_at, last_at
end

local function write_bucket(key, name, forgiven_at, last_at)
  call('HSET', key, name, string.format('%.0f %.0f', forgiven_at, last_at))
end
