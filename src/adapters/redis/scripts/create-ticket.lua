-- Stores a new QR ticket.
--
-- KEYS  1 the ticket
-- ARGV  1 time to keep it, 2… field, value, …; ticket.lua describes them
-- Returns  1
-- Invariant  A ticket never stays without a TTL.

local ttl = table.remove(ARGV, 1)
call('HSET', KEYS[1], unpack(ARGV))
return call('PEXPIRE', KEYS[1], ttl)
