-- Removes audit events that are in SQL from the outbox.
--
-- KEYS  1 stream
-- ARGV  1… stream id and event id of each entry
-- Invariant  An entry is removed only if it holds that event. After a failover its stream id may be that of another one.

for i = 1, #ARGV, 2 do
  local entry = call('XRANGE', KEYS[1], ARGV[i], ARGV[i])[1]
  if entry and entry[2][2] == ARGV[i + 1] then call('XDEL', KEYS[1], ARGV[i]) end
end
