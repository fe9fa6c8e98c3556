-- Appends audit events to the outbox.
--
-- KEYS  1 stream
-- ARGV  1 the maximum number of entries, 0 for none, 2… id and JSON text of each event
-- Returns  1, or 0 if the events would exceed the maximum
-- Invariant  All events are appended or none.

local most = tonumber(ARGV[1])
if most > 0 and call('XLEN', KEYS[1]) + (#ARGV - 1) / 2 > most then return 0 end
for i = 2, #ARGV, 2 do call('XADD', KEYS[1], '*', 'id', ARGV[i], 'event', ARGV[i + 1]) end
return 1
