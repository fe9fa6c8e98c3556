-- Replaces a shared token and ends the lease.
--
-- A shared token is a hash. Its fields: token, expires_at. Times are in milliseconds.
--
-- KEYS  1 the token, 2 the lease
-- ARGV  1 holder, 2 token ('' if the stored one stays), 3 expires_at, 4 time to keep it
-- Returns  1 if the holder had the lease, otherwise 0
-- Invariant  Only the holder of the lease changes the token. The token never stays without a TTL.

if call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
call('DEL', KEYS[2])
if ARGV[2] ~= '' then
  call('HSET', KEYS[1], 'token', ARGV[2], 'expires_at', ARGV[3])
  call('PEXPIRE', KEYS[1], ARGV[4])
end
return 1
