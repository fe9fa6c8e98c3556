-- Undoes what reserve-attempt.lua counted, because the attempt was no guess.
--
-- KEYS  1 the attempts of the account
-- ARGV  1 attempt id, 2 now, 3 time in which one failure is forgiven, 4… names of the buckets
-- Returns  {attempt id}
-- Invariant  A bucket without failures is removed. No bucket is created.

local now, forgive = tonumber(ARGV[2]), tonumber(ARGV[3])
for i = 4, #ARGV do
  local forgiven_at, last_at = read_bucket(call('HGET', KEYS[1], ARGV[i]))
  if forgiven_at - forgive > now then
    write_bucket(KEYS[1], ARGV[i], forgiven_at - forgive, last_at)
  else
    call('HDEL', KEYS[1], ARGV[i])
  end
end
return {ARGV[1]}
