-- Reads one session.
--
-- KEYS  1 sessions, 2 tombstone
-- ARGV  1 packed session id
-- Returns  {'live', sid, record, {piece, …}} | {'ended', sid, reason, ended at, revision or ''} | {'missing', sid}
--          | {'unreadable', sid}: the id comes back so that the reader can tell that the answer is its own
-- Invariant  nothing is written

local sid = ARGV[1]
local record = redis.call('HGET', KEYS[1], sid)
if is_living(record) and not is_record(record) then return {'unreadable', sid} end
if is_living(record) then return {'live', sid, record, pieces_of(KEYS[1], sid, record)} end
local tombstone = redis.call('HMGET', KEYS[2], 'e', 't', 'v')
if not tombstone[1] then return {'missing', sid} end
return {'ended', sid, tombstone[1], tombstone[2], tombstone[3] or ''}
