-- Removes a task for its user; one that still runs is cancelled first.
--
-- KEYS DELETED prefix of where a rerun finds what its first run answered, the task being gone
-- ARGV 2 the user
--
-- → ok, the worker that has it ('' if none), attempt | fault

local before = call('GET', DELETED .. OP)
if before then
	return before
end
if task.user ~= ARGV[2] then
	return 'fault\255task_not_found'
end
local reply = 'ok\255\2550'
if not final() then
	reply = 'ok\255' .. (task.worker or '') .. '\255' .. task.attempt
	finish('CANCELLED')
end
erase()
call('SET', DELETED .. OP, reply, 'PX', 60000)
return reply
