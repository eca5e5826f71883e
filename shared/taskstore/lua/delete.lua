-- Removes a task for its user; one that still runs is cancelled first.
--
-- KEYS 6 prefix of where a rerun finds what its first run answered, the task being gone
-- ARGV the user
--
-- → ok, the worker that has it ('' if none), attempt | fault

local before = redis.call('GET', KEYS[6] .. OP)
if before then
	return cjson.decode(before)
end
load()
if not exists or task.user ~= ARGV[ARG] then
	return fault('task_not_found')
end
local reply = { 'ok', '', '0' }
if not final() then
	reply = { 'ok', str('worker'), text(num('attempt')) }
	move('CANCELLED')
end
erase()
redis.call('SET', KEYS[6] .. OP, cjson.encode(reply), 'PX', 60000)
return reply
