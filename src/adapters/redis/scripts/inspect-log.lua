-- Says whether the log is still the one that a position was read from, beginning it if there is none.
--
-- KEYS  1 stream, 2 genesis, 3 replication ids of the primaries when the log began
-- ARGV  1 now, 2 retention, 3 position, '' for none, 4 replication ids of the other primaries of a cluster, '' for none,
--       'unknown' where one does not answer
-- Returns  {genesis, 1 | 0}: 1 if the log holds the position or is old enough to have dropped it by age
-- Invariant  an entry that was read and is younger than the retention is in the log, or the log has lost entries; a
--            log covers nothing from before a failover or a restart, which may have lost logins

redis.call('SET', KEYS[2], ARGV[1], 'NX')
if ARGV[4] ~= 'unknown' then
  local own = string.match(redis.call('INFO', 'replication'), 'master_replid:(%x+)')
  local primaries = own .. ARGV[4]
  if redis.call('GET', KEYS[3]) ~= primaries then
    redis.call('SET', KEYS[3], primaries)
    redis.call('SET', KEYS[2], ARGV[1])
  end
end

local genesis = redis.call('GET', KEYS[2])
if ARGV[3] == '' or #redis.call('XRANGE', KEYS[1], ARGV[3], ARGV[3]) > 0 then return {genesis, 1} end
local time = redis.call('TIME')
local horizon = time[1] * 1000 + math.floor(time[2] / 1000) - tonumber(ARGV[2])
return {genesis, tonumber(string.match(ARGV[3], '^%d+')) < horizon and 1 or 0}
