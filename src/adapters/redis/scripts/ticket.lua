-- Loads a QR ticket; prepended to the script of each step. core/sign-in/qr-ticket.ts has the rules.
--
-- A ticket is a hash. Its fields: format (1), state, denial, secret (SHA-256 of the redeem secret), created_at,
-- expires_at, client_id, device_id, device_name, platform, ip_address, network, labels (a JSON object), approver_user,
-- approver_session, digits, decided_at, security_version, session_id, redeemed_at, poll_interval, poll_from. Every field is there;
-- what is not known yet is empty, or 0 for a number. Times and intervals are in milliseconds.
--
-- KEYS  1 the ticket
-- ARGV  1 ticket id, 2 now, then those of the step
-- Returns  {'missing' | 'not-approver', id} | {'done' | 'pending' | 'too-early' | 'over', id, '1' if the state has changed,
--          field, value, …}; the caller checks the id, as a driver can match a reply to the wrong command
-- Invariant  A final state stays. A damaged ticket is missing.

-- TICKET_MEMORY_MS of core/sign-in/qr-ticket.ts.
local MEMORY = 900000
local FINAL = {REDEEMED = true, DENIED = true, EXPIRED = true}
local NUMBERS = {'created_at', 'expires_at', 'decided_at', 'security_version', 'redeemed_at', 'poll_interval', 'poll_from'}
local id, now = ARGV[1], tonumber(ARGV[2])

local stored, ticket = {}, {}
local fields = call('HGETALL', KEYS[1])
for i = 1, #fields, 2 do
  stored[fields[i]], ticket[fields[i]] = fields[i + 1], fields[i + 1]
end
if stored.format ~= '1' then return {'missing', id} end
for _, name in ipairs(NUMBERS) do
  if not (stored[name] and stored[name]:find('^%d+$') and #stored[name] <= 15) then return {'missing', id} end
end
local expires_at = tonumber(stored.expires_at)
if now >= expires_at + MEMORY then return {'missing', id} end
if not FINAL[ticket.state] and now >= expires_at then ticket.state = 'EXPIRED' end

local function whole(number)
  return ('%.0f'):format(number)
end

local function is_approver(user, session)
  return ticket.approver_user == user and ticket.approver_session == session
end

-- Stores what has changed.
local function outcome(kind)
  local changes, reply = {}, {kind, id, ticket.state ~= stored.state and '1' or '0'}
  for name, value in pairs(ticket) do
    reply[#reply + 1] = name
    reply[#reply + 1] = value
    if value ~= stored[name] then
      changes[#changes + 1] = name
      changes[#changes + 1] = value
    end
  end
  if #changes > 0 then
    call('HSET', KEYS[1], unpack(changes))
    call('PEXPIRE', KEYS[1], whole(tonumber(ticket.expires_at) + MEMORY - now))
  end
  return reply
end
