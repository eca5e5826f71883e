-- What every script of package taskstore begins with, behind the policy's constants and the names of its keys. A script
-- runs alone: what it reads stays true until it ends.
--
-- ARGV  1 op  (then the script's own)
--
-- op is a nonce of this call. The client re-sends a script whose reply was lost; the second run finds op on the task and
-- answers as the first did, changing nothing.
--
-- Lists of words, such as replies, are joined by \255, a byte that no UTF-8 has: that costs a fraction of what JSON does.

local call = redis.call
local OP = ARGV[1]

-- Redis' clock is the one clock of all functions. Times are in ms.
local clock = call('TIME')
local NOW_TEXT = clock[1] .. string.sub('00000' .. clock[2], -6, -4)
local NOW = tonumber(NOW_TEXT)

local format = string.format
