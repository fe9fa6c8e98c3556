-- Shared by the scripts on sessions; put before their text when they are loaded.
--
-- All living sessions of a user are in one hash: the field is the session id, the value is the record, a JSON array:
--   1 format (1), 2 generation, 3 refreshed at, 4 idle deadline, 5 absolute deadline, 6 security version, 7 client id,
--   8 device id, 9 platform, 10 device name, 11 IP address, 12 list of authentication methods
-- Times are milliseconds since 1970. Later releases may add elements at the end; they must survive a refresh here.
-- A replaced session keeps its field, with the value REPLACED, until its end is logged.
--
-- A session that has ended has a tombstone, a hash of its own: reason, ended_at, revision once it is logged.
-- A session has a record or a tombstone, not both, and a tombstone never becomes a record again.
--
-- A value that no release has written stops no step: a record that cannot be read is refused, a number that cannot be
-- read counts as 0.

local FORMAT = 1
local REPLACED = 'REPLACED'
local UUID = '^%x+%-%x+%-%x+%-%x+%-%x+$'
local MAX_GENERATION = 4294967295
-- The greatest security version that SQL can hold.
local MAX_VERSION = 2147483647
-- The last millisecond of the year 9999.
local LATEST = 253402300799999
-- No server's clock is ahead of another's by this much; milliseconds.
local MAX_AHEAD = 86400000

-- The whole number in a text; 0 where there is none, or one greater than `most`.
local function whole(text, most)
  local n = text and string.find(text, '^%d+$') and tonumber(text) or 0
  return n <= most and n or 0
end

local function is_whole(value, most)
  return type(value) == 'number' and value >= 0 and value <= most and value == math.floor(value)
end

-- The creation time in a UUIDv7: its first 48 bits.
local function created_at(sid)
  return tonumber(string.sub(sid, 1, 8) .. string.sub(sid, 10, 13), 16)
end

-- Whether a field's name is a session id made before now, or just after it by another clock: a damaged one must not
-- become the user's cut-off.
local function is_session_id(field, now)
  return #field == 36 and string.find(field, UUID) and created_at(field) <= now + MAX_AHEAD
end

-- What is in a session's field: a record, or the trace of a replaced session, or nothing.
local function is_living(value)
  return value and value ~= REPLACED
end

-- The record of a living session; nil and why if it cannot be read: 'unreadable', or 'later' for a later format.
local function parse(value)
  local ok, record = pcall(cjson.decode, value)
  if not ok or type(record) ~= 'table' then return nil, 'unreadable' end
  if is_whole(record[1], MAX_VERSION) and record[1] > FORMAT then return nil, 'later' end
  for i, most in ipairs({FORMAT, MAX_GENERATION, LATEST, LATEST, LATEST, MAX_VERSION}) do
    if not is_whole(record[i], most) then return nil, 'unreadable' end
  end
  if record[1] == 0 or record[2] == 0 then return nil, 'unreadable' end
  return {
    generation = record[2], refreshed_at = record[3], idle_deadline = record[4], absolute_deadline = record[5],
    security_version = record[6], client_id = record[7], device_id = record[8]
  }
end

-- The deadline that has passed; nil if none has.
local function passed_deadline(session, now)
  if now >= session.absolute_deadline then return 'MAX_LIFETIME' end
  if now >= session.idle_deadline then return 'IDLE' end
end

-- Takes a session out of its user's hash, whatever its field holds, and leaves a tombstone.
local function write_tombstone(sessions_key, tombstone_key, sid, reason, now, ttl)
  redis.call('HDEL', sessions_key, sid)
  redis.call('HSET', tombstone_key, 'reason', reason, 'ended_at', now)
  redis.call('PEXPIRE', tombstone_key, ttl)
end

-- {reason, ended at, revision or ''}; nil if there is no tombstone.
local function read_tombstone(tombstone_key)
  local found = redis.call('HMGET', tombstone_key, 'reason', 'ended_at', 'revision')
  return found[1] and {found[1], found[2], found[3] or ''} or nil
end

-- Ends a session that another one replaces. Its field stays, so that if this login fails before the end is logged, the
-- next login finds it.
local function replace(sessions_key, tombstone_key, sid, now, ttl)
  local is_there = redis.call('HEXISTS', sessions_key, sid) == 1
  write_tombstone(sessions_key, tombstone_key, sid, REPLACED, now, ttl)
  if not is_there then return end
  redis.call('HSET', sessions_key, sid, REPLACED)
  if redis.call('PTTL', sessions_key) < tonumber(ttl) then redis.call('PEXPIRE', sessions_key, ttl) end
end
