-- A session scans a QR ticket and becomes its approver. The lifetime starts again, once.
--
-- ARGV  as ticket.lua, 3 user id, 4 session id, 5 digits, 6 lifetime
-- Returns  as ticket.lua
-- Invariant  The first session that scans is the only approver.

if FINAL[ticket.state] then return outcome('over') end
if ticket.state ~= 'PENDING' then
  return is_approver(ARGV[3], ARGV[4]) and outcome('done') or {'not-approver', id}
end
ticket.state = 'SCANNED'
ticket.approver_user, ticket.approver_session, ticket.digits = ARGV[3], ARGV[4], ARGV[5]
ticket.expires_at = whole(math.max(expires_at, now + tonumber(ARGV[6])))
return outcome('done')
