-- Reads the oldest audit events for the one process that moves them to SQL.
--
-- KEYS  1 stream, 2 the process that moves events
-- ARGV  1 this process, 2 how long it stays the one that moves, 3 maximum number of entries
-- Returns  {number of entries in the stream, entries}; no entries if another process moves them
-- Invariant  Only saves work: two processes that move the same event insert it once, because SQL knows its id.

local length = call('XLEN', KEYS[1])
if length == 0 then return {0, {}} end
local mover = call('GET', KEYS[2])
if mover and mover ~= ARGV[1] then return {length, {}} end
call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
return {length, call('XRANGE', KEYS[1], '-', '+', 'COUNT', ARGV[3])}
