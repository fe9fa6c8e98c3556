-- Functions on session ids, for the scripts that read all sessions of a user.

local UUID = '^%x+%-%x+%-%x+%-%x+%-%x+$'
-- Upper bound of the difference between two servers' clocks; milliseconds.
local MAX_AHEAD = 86400000

-- The creation time: the first 48 bits of a UUIDv7.
local function created_at(sid)
  return tonumber(sid:sub(1, 8) .. sid:sub(10, 13), 16)
end

-- True if the field is a session id that is not more than MAX_AHEAD in the future. A damaged id must not become the
-- user's cut-off.
local function is_session_id(field, now)
  return #field == 36 and field:find(UUID) and created_at(field) <= now + MAX_AHEAD
end
