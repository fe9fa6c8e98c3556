-- Takes the lease of a shared token.
--
-- KEYS  1 the lease
-- ARGV  1 holder, 2 time of the lease in milliseconds
-- Returns  1 if the holder got it, otherwise 0
-- Invariant  One holder at most has the lease, and it ends by itself.

return call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) and 1 or 0
