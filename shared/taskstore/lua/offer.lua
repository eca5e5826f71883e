-- A result that a worker offers: what is known of it, and why it is refused, if it is.
--
-- ARGV 2 attempt ('' if none)  3 name  4 sha256  5 key of the object

local attempt, name, sha256, key = ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local number = attempt == '' and '1' or attempt

-- What is known under the name in this attempt; more is the size of a stored one, and until when another is reserved.
local state, of, sum, more
local known = call('HGET', RESULTS, name)
if known then
	local _
	state, of, sum, _, more = result(known)
	known = of == number
end

local refused
if known and state == 'stored' and sum == sha256 and task.status then
	refused = words('duplicate', more) -- whatever became of the task
else
	refused = judge(attempt)
	if not refused and known and sum ~= sha256 and (state == 'stored' or tonumber(more) > NOW) then
		refused = words('fault', 'result_conflict')
	end
end
