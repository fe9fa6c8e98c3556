-- One refresh: implements the rule of core/session/rotation.ts as one atomic step.
--
-- KEYS  1 sessions, 2 tombstone, 3 cut-off
-- ARGV  1 session id, 2 presented generation, 3 security version, 4 end reason if the session has an older one,
--       or '' if that does not end it, 5 now, 6 grace, 7 idle ttl, 8 ttl of a tombstone,
--       9 jitter added to the ttl of the hash, 10 client id; '' is not compared, 11 IP address; '' is not stored
-- Returns  {'rotated' | 'replayed', sid, record, latest IP address before}
--          | {'reused' | 'ended', sid, reason, ended at, revision or '', logged at or ''}
--          | {'missing', sid} | {'other-client', sid} | {'user-changed', sid} | {'unreadable' | 'later', sid}
-- Invariant  A generation has exactly one successor. An ended session is never modified. The hash outlives every
--            session in it.

local sid, presented, version, now = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[5])
local grace, idle_ttl, tombstone_ttl, jitter = tonumber(ARGV[6]), tonumber(ARGV[7]), ARGV[8], tonumber(ARGV[9])

local session, record = read_living(KEYS[1], KEYS[2], sid)
-- Without a session, the second value is the reply.
if not session then return record end
if ARGV[10] ~= '' and ARGV[10] ~= session.client_id then return {'other-client', sid} end

if whole(call('HGET', KEYS[3], 'security_version'), MAX_VERSION) > version then return {'user-changed', sid} end

local passed, at = passed_deadline(session, now)
if passed then
  write_tombstone(KEYS[1], KEYS[2], sid, passed, at, tombstone_ttl)
  return {'ended', sid, passed, at, ''}
end

local function finish(kind, reason)
  end_session(KEYS[1], KEYS[2], sid, reason, ARGV[5], tombstone_ttl)
  return {kind, sid, reason, ARGV[5], ''}
end

if ARGV[4] ~= '' and session.security_version < version then return finish('ended', ARGV[4]) end

local kind, latest = 'replayed', session.latest_address
if presented >= session.generation then
  kind = 'rotated'
  local idle = math.min(now + idle_ttl, session.absolute_deadline)
  local rest = record:match('^%[%d+,%d+,%d+,%d+,(.*)$')
  record = ('[%d,%.0f,%.0f,%.0f,'):format(FORMAT, presented + 1, now, idle) .. rest
  if ARGV[11] ~= '' and type(latest) == 'string' and ARGV[11] ~= latest then
    record = with_latest_address(record, ARGV[11])
  end
  call('HSET', KEYS[1], sid, record)
  call('PEXPIRE', KEYS[1], ('%.0f'):format(idle - now + jitter), 'GT')
elseif presented ~= session.generation - 1 or now - session.refreshed_at > grace then
  return finish('reused', 'REFRESH_TOKEN_REUSED')
end
return {kind, sid, record, latest}
