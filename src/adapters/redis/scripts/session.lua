-- Functions shared by the session scripts; prepended when a script is loaded.
--
-- One hash holds all living sessions of a user. The field is the session id. The value is the record, a JSON array:
--   1 format (1), 2 generation, 3 refreshed at, 4 idle deadline, 5 absolute deadline, 6 security version, 7 client id,
--   8 device id, 9 platform, 10 device name, 11 IP address at sign-in, 12 list of authentication methods,
--   13 IP address at the last refresh, 14 object of labels, 15 1 if the device was new
-- Times are in milliseconds since the Unix epoch. A record may end after 12, 13 or 14: then 13 is equal to 11, there
-- are no labels, and the device was not new. Records of earlier releases do. Later releases may append elements; a
-- refresh must keep them.
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
local MAX_GENERATION = 4294967295
-- The maximum of the SQL column `security_version`.
local MAX_VERSION = 2147483647
-- The last millisecond of the year 9999.
local MAX_TIME = 253402300799999

-- Parses an integer; 0 if the text is not one or it is greater than `most`.
local function whole(text, most)
  local n = text and text:find('^%d+$') and tonumber(text) or 0
  return n <= most and n or 0
end

local function is_whole(value, most)
  return type(value) == 'number' and value >= 0 and value <= most and value == math.floor(value)
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
  -- These numbers are replaced in the text.
  if not value:find('^%[%d+,%d+,%d+,%d+,%d+,%d+') then return nil, 'unreadable' end
  return {
    generation = record[2], refreshed_at = record[3], idle_deadline = record[4], absolute_deadline = record[5],
    security_version = record[6], client_id = record[7], device_id = record[8],
    platform = record[9], latest_address = record[LATEST_ADDRESS] or record[11]
  }
end

-- The end reason and the time of the deadline that passed first; nil if none has.
local function passed_deadline(session, now)
  local last = session.absolute_deadline
  local at = math.min(session.idle_deadline, last)
  if now >= at then return at < last and 'IDLE' or 'MAX_LIFETIME', at end
end

-- Removes a session from its user's hash, whatever its field holds, and writes a tombstone.
local function write_tombstone(sessions_key, tombstone_key, sid, reason, at, ttl)
  call('HDEL', sessions_key, sid)
  call('HSET', tombstone_key, 'reason', reason, 'ended_at', at)
  call('PEXPIRE', tombstone_key, ttl)
end

-- Returns {reason, ended at, revision, logged at}; the last two are '' if the end is not logged. Returns nil if there is
-- no tombstone.
local function read_tombstone(tombstone_key)
  local found = call('HMGET', tombstone_key, 'reason', 'ended_at', 'revision', 'logged_at')
  return found[1] and {found[1], found[2] or '', found[3] or '', found[4] or ''} or nil
end

-- Ends a session. If it has a field, the field remains until the end is logged.
local function end_session(sessions_key, tombstone_key, sid, reason, now, ttl)
  local is_there = call('HEXISTS', sessions_key, sid) == 1
  write_tombstone(sessions_key, tombstone_key, sid, reason, now, ttl)
  if not is_there then return end
  call('HSET', sessions_key, sid, UNLOGGED)
  if call('PTTL', sessions_key) < tonumber(ttl) then call('PEXPIRE', sessions_key, ttl) end
end
