-- Stores a new hash: a QR ticket or a flow to an identity provider.
--
-- KEYS  1 the hash
-- ARGV  1 time to keep it, 2… field, value, …; ticket.lua and take-flow.lua describe them
-- Returns  1
-- Invariant  The hash never stays without a TTL.

local ttl = table.remove(ARGV, 1)
call('HSET', KEYS[1], unpack(ARGV))
return call('PEXPIRE', KEYS[1], ttl)
