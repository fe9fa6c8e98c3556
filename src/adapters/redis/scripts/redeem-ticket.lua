-- The asker of a QR ticket polls it, and redeems it once it is approved.
--
-- ARGV  as ticket.lua, 3 SHA-256 of the presented secret, 4 id of the session to open, 5 by how much an early poll makes
--       the interval longer, 6 longest interval, 7 leeway
-- Returns  as ticket.lua
-- Invariant  A ticket gets one session id, however often it is redeemed. A wrong secret changes nothing.

if ticket.secret ~= ARGV[3] then return {'missing', id} end
if ticket.state == 'APPROVED' then
  ticket.state, ticket.session_id, ticket.redeemed_at = 'REDEEMED', ARGV[4], whole(now)
  return outcome('done')
end
if ticket.state == 'REDEEMED' then return outcome('done') end
if FINAL[ticket.state] then return outcome('over') end
local interval = tonumber(ticket.poll_interval)
local is_early = now < tonumber(ticket.poll_from)
if is_early then interval = math.min(interval + tonumber(ARGV[5]), tonumber(ARGV[6])) end
ticket.poll_interval, ticket.poll_from = whole(interval), whole(now + interval - tonumber(ARGV[7]))
return outcome(is_early and 'too-early' or 'pending')
