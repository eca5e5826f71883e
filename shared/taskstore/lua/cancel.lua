-- Stops a task for its user.
--
-- ARGV the user
--
-- → ok, the worker that has it ('' if none), attempt, '1' if it was cancelled before | fault

load()
local again = replayed()
if again then
	return again
end
if not exists or task.user ~= ARGV[ARG] then
	return fault('task_not_found')
end
if task.status == 'CANCELLED' then
	return { 'ok', '', '0', '1' }
end
if final() then
	return fault('task_finished', task.status)
end
move('CANCELLED')
return save({ 'ok', str('worker'), text(num('attempt')), '0' })
