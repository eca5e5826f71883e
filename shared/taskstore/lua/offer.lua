-- A result that a worker offers: what is known of it, and what more there is to refuse it for.
--
-- ARGV 3 name  4 sha256  5 key of the object

local name, sha256, key = ARGV[3], ARGV[4], ARGV[5]
local number = ARGV[2] == '' and '1' or ARGV[2]

-- What is known under the name in this attempt; more is the size of a stored one, and until when another is reserved.
local state, of, sum, more
local known = call('HGET', RESULTS, name)
if known then
	local _
	state, of, sum, _, more = result(known)
	known = of == number
end

if known and state == 'stored' and sum == sha256 and task.status then
	refused = 'duplicate\255' .. more -- whatever became of the task
elseif not refused and known and sum ~= sha256 and (state == 'stored' or tonumber(more) > NOW) then
	refused = 'fault\255result_conflict'
end
