-- Functions shared by the session scripts; prepended when a script is loaded.
--
-- One hash holds all living sessions of a user. The field is the session id. The value is the record, a JSON array:
--   1 format (1), 2 generation, 3 refreshed at, 4 idle deadline, 5 absolute deadline, 6 security version, 7 client id,
--   8 device id, 9 platform, 10 device name, 11 IP address at sign-in, 12 list of authentication methods,
--   13 IP address at the last refresh, 14 object of labels
-- Times are in milliseconds since the Unix epoch. A record may end after 12 or 13: then 13 is equal to 11, and there are
-- no labels. Records of earlier releases end after 12. Later releases may append elements; a refresh must keep them.
-- An ended session keeps its field, with the value UNLOGGED, until its end is logged. So an end that was interrupted can
-- be found and completed. An end by a deadline is not logged, and the field is removed at once.
--
-- An ended session has a tombstone, a separate hash: reason, ended_at, and once the end is logged revision and logged_at.
-- A session has a record or a tombstone, never both. A tombstone never becomes a record again.
--
-- Damaged values do not fail a script: a record that cannot be parsed is refused, and an invalid number counts as 0.

local FORMAT = 1
local LATEST_ADDRESS = 13
local REPLACED = 'REPLACED'
-- Servers of the build before know this value. They write it only for replaced sessions.
local UNLOGGED = 'REPLACED'
local UUID = '^%x+%-%x+%-%x+%-%x+%-%x+$'
local MAX_GENERATION = 4294967295
-- The maximum of the SQL column `security_version`.
local MAX_VERSION = 2147483647
-- The last millisecond of the year 9999.
local MAX_TIME = 253402300799999
-- Upper bound of the difference between two servers' clocks; milliseconds.
local MAX_AHEAD = 86400000

-- Parses an integer; 0 if the text is not one or it is greater than `most`.
local function whole(text, most)
  local n = text and string.find(text, '^%d+$') and tonumber(text) or 0
  return n <= most and n or 0
end

local function is_whole(value, most)
  return type(value) == 'number' and value >= 0 and value <= most and value == math.floor(value)
end

-- The creation time: the first 48 bits of a UUIDv7.
local function created_at(sid)
  return tonumber(string.sub(sid, 1, 8) .. string.sub(sid, 10, 13), 16)
end

-- True if the field is a session id that is not more than MAX_AHEAD in the future. A damaged id must not become the
-- user's cut-off.
local function is_session_id(field, now)
  return #field == 36 and string.find(field, UUID) and created_at(field) <= now + MAX_AHEAD
end

-- A field holds a record, UNLOGGED, or nothing. Only a record means that the session is living.
local function is_living(value)
  return value and value ~= UNLOGGED
end

-- Parses a record. Otherwise returns nil and why: 'unreadable', or 'later' if a later release wrote it.
local function parse(value)
  local ok, record = pcall(cjson.decode, value)
  if not ok or type(record) ~= 'table' then return nil, 'unreadable' end
  if is_whole(record[1], MAX_VERSION) and record[1] > FORMAT then return nil, 'later' end
  for i, most in ipairs({FORMAT, MAX_GENERATION, MAX_TIME, MAX_TIME, MAX_TIME, MAX_VERSION}) do
    if not is_whole(record[i], most) then return nil, 'unreadable' end
  end
  if record[1] == 0 or record[2] == 0 then return nil, 'unreadable' end
  -- A refresh replaces this part and keeps the rest as it is.
  if not string.find(value, '^%[%d+,%d+,%d+,%d+,') then return nil, 'unreadable' end
  return {
    generation = record[2], refreshed_at = record[3], idle_deadline = record[4], absolute_deadline = record[5],
    security_version = record[6], client_id = record[7], device_id = record[8],
    platform = record[9], latest_address = record[LATEST_ADDRESS] or record[11]
  }
end

local NESTING = {['['] = 1, ['{'] = 1, [']'] = -1, ['}'] = -1}

-- The first and last character of an element of a record that `parse` accepted; nil if it has fewer elements.
local function span_of(record, wanted)
  local index, depth, from, at = 1, 0, 2, 2
  while true do
    at = string.find(record, '["%[%]{},]', at)
    local char = string.sub(record, at, at)
    if char == '"' then
      repeat
        at = string.find(record, '["\\]', at + 1)
        local is_escape = string.sub(record, at, at) == '\\'
        if is_escape then at = at + 1 end
      until not is_escape
    elseif depth == 0 and (char == ',' or char == ']') then
      if index == wanted then return from, at - 1 end
      if char == ']' then return nil end
      index, from = index + 1, at + 1
    else
      depth = depth + (NESTING[char] or 0)
    end
    at = at + 1
  end
end

-- Replaces the element in the text. Encoding the whole record anew would turn empty lists into objects.
local function with_latest_address(record, address)
  local text = cjson.encode(address)
  local from, to = span_of(record, LATEST_ADDRESS)
  if not from then return string.match(record, '^(.*)%]') .. ',' .. text .. ']' end
  return string.sub(record, 1, from - 1) .. text .. string.sub(record, to + 1)
end

-- The end reason of the deadline that has passed; nil if none has.
local function passed_deadline(session, now)
  if now >= session.absolute_deadline then return 'MAX_LIFETIME' end
  if now >= session.idle_deadline then return 'IDLE' end
end

-- Removes a session from its user's hash, whatever its field holds, and writes a tombstone.
local function write_tombstone(sessions_key, tombstone_key, sid, reason, now, ttl)
  redis.call('HDEL', sessions_key, sid)
  redis.call('HSET', tombstone_key, 'reason', reason, 'ended_at', now)
  redis.call('PEXPIRE', tombstone_key, ttl)
end

-- Returns {reason, ended at, revision, logged at}; the last two are '' if the end is not logged. Returns nil if there is
-- no tombstone.
local function read_tombstone(tombstone_key)
  local found = redis.call('HMGET', tombstone_key, 'reason', 'ended_at', 'revision', 'logged_at')
  return found[1] and {found[1], found[2] or '', found[3] or '', found[4] or ''} or nil
end

-- Ends a session. If it has a field, the field remains until the end is logged.
local function end_session(sessions_key, tombstone_key, sid, reason, now, ttl)
  local is_there = redis.call('HEXISTS', sessions_key, sid) == 1
  write_tombstone(sessions_key, tombstone_key, sid, reason, now, ttl)
  if not is_there then return end
  redis.call('HSET', sessions_key, sid, UNLOGGED)
  if redis.call('PTTL', sessions_key) < tonumber(ttl) then redis.call('PEXPIRE', sessions_key, ttl) end
end
