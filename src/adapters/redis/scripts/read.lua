-- Reads one session.
--
-- KEYS  1 session
-- ARGV  1 packed session id
-- Returns  {sid, fields and values in turn}: the id comes back so that the reader can tell that the answer is its own

return {ARGV[1], redis.call('HGETALL', KEYS[1])}
