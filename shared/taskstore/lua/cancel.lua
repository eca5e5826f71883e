-- Stops a task for its user.
--
-- ARGV 2 the user
--
-- → ok, the worker that has it ('' if none), attempt | fault

if task.user ~= ARGV[2] then
	return words('fault', 'task_not_found')
end
if task.status == 'CANCELLED' then
	return words('ok', '', '0')
end
if final() then
	return words('fault', 'task_finished', task.status)
end
finish('CANCELLED')
return save(words('ok', task.worker or '', task.attempt))
