-- Shared by the scripts below; put before their text when they are loaded.
--
-- All living sessions of a user are in one hash. For each it has a field named by the packed id, the record, and
-- fields named by the id and 0, 1, … with the pieces of what never changes. A record is, without separators:
--    1-8 generation, 9-16 refreshed at, 17-24 idle deadline, 25-32 absolute deadline, 33 number of pieces,
--   34-45 mark of client and device; nothing where the device has no id
-- A replaced session keeps its field, with the value REPLACED, until its ending is logged.
--
-- A session that has ended has a tombstone, a hash of its own: e reason, t ended at, v revision once it is logged.
-- A session has a record or a tombstone, not both, and a tombstone never becomes a record again.
--
-- A value that no release has written stops no step: a record that cannot be read is refused, a number that cannot be
-- read counts as 0.

local REPLACED = '*'
local ID_LENGTH = 22
local MAX_PIECES = 63
-- The greatest security version that SQL can hold.
local MAX_VERSION = 2147483647
-- No server's clock is ahead of another's by this much; milliseconds.
local MAX_AHEAD = 86400000

-- A number in packed characters (packed-id.ts): '-', digits, capitals, '_', small letters, in the order of their codes.
local function number(text, from, to)
  local n = 0
  for i = from, to do
    local c = string.byte(text, i) or 0
    n = n * 64 + (c > 95 and c - 59 or c > 90 and 37 or c > 57 and c - 54 or c > 45 and c - 47 or 0)
  end
  return n
end

-- The whole number in a text; 0 where there is none, or one greater than `most`.
local function whole(text, most)
  local n = text and string.find(text, '^%d+$') and tonumber(text) or 0
  return n <= most and n or 0
end

-- The creation time in a packed UUIDv7: its first 8 characters are its first 48 bits.
local function created_at(sid)
  return number(sid, 1, 8)
end

-- Whether a field's name is an id made before now, or just after it by another clock: a damaged one must not become
-- the user's cut-off.
local function is_id(field, now)
  return not string.find(field, '[^-0-9A-Z_a-z]') and created_at(field) <= now + MAX_AHEAD
end

local function absolute_deadline(record)
  return number(record, 25, 32)
end

-- The mark of client and device; '' where the device has no id.
local function device_mark(record)
  return string.sub(record, 34)
end

-- What is in a session's field: a record, or the trace of a replaced session, or nothing.
local function is_living(value)
  return value and value ~= REPLACED
end

-- Whether a living session's value can be read: a generation from 1 to 2^32 - 1, and pieces.
local function is_record(value)
  return (#value == 33 or #value == 45) and string.find(value, '^%-%-[-0-2][-0-9A-Z_a-z]+$') ~= nil
    and string.sub(value, 1, 8) ~= '--------' and string.sub(value, 33, 33) ~= '-'
end

-- The fields that hold the first `count` pieces of a session.
local function piece_fields(sid, count)
  local fields = {}
  for i = 1, count do fields[i] = sid .. (i - 1) end
  return fields
end

-- The pieces of a record.
local function pieces_of(sessions_key, sid, record)
  return redis.call('HMGET', sessions_key, unpack(piece_fields(sid, number(record, 33, 33))))
end

-- Sorts a list of {sid, record}: what may live longest comes last. Not by comparing text, which Lua does by the
-- locale of the server.
local function sort_by_deadline(sessions)
  table.sort(sessions, function(a, b)
    local x, y = absolute_deadline(a[2]), absolute_deadline(b[2])
    for from = 1, ID_LENGTH, 8 do
      if x ~= y then return x < y end
      local to = math.min(from + 7, ID_LENGTH)
      x, y = number(a[1], from, to), number(b[1], from, to)
    end
    return x < y
  end)
end

-- Takes a session out of its user's hash, whatever its field holds, and leaves a tombstone.
local function bury(sessions_key, tombstone_key, sid, reason, now, ttl)
  local record = redis.call('HGET', sessions_key, sid)
  if is_living(record) then
    local count = is_record(record) and number(record, 33, 33) or MAX_PIECES
    redis.call('HDEL', sessions_key, unpack(piece_fields(sid, count)))
  end
  if record then redis.call('HDEL', sessions_key, sid) end
  redis.call('HSET', tombstone_key, 'e', reason, 't', now)
  redis.call('PEXPIRE', tombstone_key, ttl)
end

-- Ends a session that another one replaces. Its field stays, so that if this login fails before the end is logged, the
-- next login finds it.
local function replace(sessions_key, tombstone_key, sid, now, ttl)
  local is_there = redis.call('HEXISTS', sessions_key, sid) == 1
  bury(sessions_key, tombstone_key, sid, 'REPLACED', now, ttl)
  if not is_there then return end
  redis.call('HSET', sessions_key, sid, REPLACED)
  if redis.call('PTTL', sessions_key) < tonumber(ttl) then redis.call('PEXPIRE', sessions_key, ttl) end
end
