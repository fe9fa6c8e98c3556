-- Checks whether the log has lost entries up to a position. Creates the log if it is missing or its genesis is not a
-- valid time.
--
-- KEYS  1 stream, 2 genesis, 3 dropped: the id of the last dropped entry, 4 replication ids of the primaries when the
--       log began
-- ARGV  1 now, 2 position, '' for none, 3 replication ids of all primaries of a cluster, '' without a cluster,
--       'unknown' if a primary did not answer
-- Returns  {genesis, 1 | 0}: 1 if the log holds the position or dropped it as no longer needed; 0 if entries were lost
-- Invariant  An entry that was read is in the log or not after `dropped`; otherwise the log has lost entries. The
--            genesis is not before the last failover or restart, which may have lost logins. No decision depends on a
--            clock.

call('SET', KEYS[2], ARGV[1], 'NX')
local own = string.match(call('INFO', 'replication'), 'master_replid:(%x+)')
local primaries = call('GET', KEYS[4]) or ''
local is_same = primaries == own .. ARGV[3]
if ARGV[3] == 'unknown' then is_same = string.sub(primaries, 1, #own) == own end
if not is_same then
  call('SET', KEYS[4], own .. ARGV[3])
  call('SET', KEYS[2], ARGV[1])
end

local genesis = call('GET', KEYS[2])
if #genesis > 14 or not string.find(genesis, '^%d+$') then
  genesis = ARGV[1]
  call('SET', KEYS[2], genesis)
end
if ARGV[2] == '' or #call('XRANGE', KEYS[1], ARGV[2], ARGV[2]) > 0 then return {genesis, 1} end

local function parts(id)
  local ms, sequence = string.match(id, '^(%d+)-(%d+)$')
  return tonumber(ms) or 0, tonumber(sequence) or 0
end
local ms, sequence = parts(ARGV[2])
local dropped_ms, dropped_sequence = parts(call('GET', KEYS[3]) or '0-0')
local is_dropped = ms < dropped_ms or (ms == dropped_ms and sequence <= dropped_sequence)
return {genesis, is_dropped and 1 or 0}
