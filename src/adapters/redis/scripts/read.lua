-- Reads one session.
--
-- KEYS  1 sessions, 2 tombstone
-- ARGV  1 session id
-- Returns  {'live', sid, record} | {'ended', sid, reason, ended at, revision or '', logged at or ''}
--          | {'missing', sid} | {'unreadable' | 'later', sid}; the caller checks sid, as a driver can match a reply to the wrong command
-- Invariant  Nothing is written.

local session, record = read_living(KEYS[1], KEYS[2], ARGV[1])
return session and {'live', ARGV[1], record} or record
