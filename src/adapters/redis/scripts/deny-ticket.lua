-- Denies a QR ticket: its approver does not want it, or the approver's session has ended.
--
-- ARGV  as ticket.lua, 3 user id, 4 session id, 5 denial
-- Returns  as ticket.lua
-- Invariant  A redeemed ticket is not denied any more.

if ticket.state == 'DENIED' and is_approver(ARGV[3], ARGV[4]) then return outcome('done') end
if FINAL[ticket.state] then return outcome('over') end
if not is_approver(ARGV[3], ARGV[4]) then return {'not-approver', id} end
ticket.state, ticket.denial, ticket.decided_at = 'DENIED', ARGV[5], whole(now)
return outcome('done')
