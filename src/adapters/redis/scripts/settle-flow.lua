-- Ends the exchange of a flow that was taken: stores the account, or that there is none. take-flow.lua describes the flow.
--
-- KEYS  1 the flow
-- ARGV  1 'IDENTIFIED' | 'FAILED', 2 account, '' if it failed
-- Returns  1 if the flow was changed, otherwise 0
-- Invariant  Only a taken flow is settled, and once.

if call('HGET', KEYS[1], 'state') ~= 'TAKEN' then return 0 end
call('HSET', KEYS[1], 'state', ARGV[1], 'account', ARGV[2])
return 1
