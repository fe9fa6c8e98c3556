-- Reads one session, for the scripts that use a living one.

-- Returns the parsed session and its record. If it is not living: nil and the reply of the script, which is
-- {'missing', sid}, {'ended', sid, reason, ended at, revision or '', logged at or ''} or {'unreadable' | 'later', sid}.
local function read_living(sessions_key, tombstone_key, sid)
  local record = call('HGET', sessions_key, sid)
  if not is_living(record) then
    local tombstone = read_tombstone(tombstone_key)
    return nil, tombstone and {'ended', sid, unpack(tombstone)} or {'missing', sid}
  end
  local session, why_not = parse(record)
  if not session then return nil, {why_not, sid} end
  return session, record
end
