-- The approver of a QR ticket types its digits.
--
-- ARGV  as ticket.lua, 3 user id, 4 session id, 5 digits, 6 security version of that session
-- Returns  as ticket.lua
-- Invariant  One wrong try ends the ticket.

if FINAL[ticket.state] then return outcome('over') end
if not is_approver(ARGV[3], ARGV[4]) then return {'not-approver', id} end
if ARGV[5] ~= ticket.digits then
  ticket.state, ticket.denial, ticket.decided_at = 'DENIED', 'WRONG_DIGITS', whole(now)
  return outcome('over')
end
if ticket.state ~= 'APPROVED' then
  ticket.state, ticket.decided_at, ticket.security_version = 'APPROVED', whole(now), ARGV[6]
end
return outcome('done')
