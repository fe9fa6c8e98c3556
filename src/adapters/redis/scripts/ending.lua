-- Shared by the scripts below; put before their text when they are loaded.
--
-- A living record has the field g (generation); a tombstone has e (reason) and t (ended at). A record is one or
-- the other, and a tombstone never becomes a living record again.

local ALPHABET = '-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz'

-- The creation time in a packed UUIDv7: its first 8 characters are its first 48 bits.
local function created_at(sid)
  local ms = 0
  for i = 1, 8 do
    ms = ms * 64 + string.find(ALPHABET, string.sub(sid, i, i), 1, true) - 1
  end
  return ms
end

-- Replaces a record by a tombstone, and takes the session off its user's index.
local function bury(session_key, index_key, sid, reason, now, ttl)
  redis.call('DEL', session_key)
  redis.call('HSET', session_key, 'e', reason, 't', now)
  redis.call('PEXPIRE', session_key, ttl)
  redis.call('ZREM', index_key, sid)
end
