-- Stops a task for its user.
--
-- ARGV 2 the user
--
-- → ok, the worker that has it ('' if none), attempt | fault

if task.user ~= ARGV[2] then
	return 'fault\255task_not_found'
end
if task.status == 'CANCELLED' then
	return 'ok\255\2550'
end
if final() then
	return 'fault\255task_finished\255' .. task.status
end
finish('CANCELLED')
return save('ok\255' .. (task.worker or '') .. '\255' .. task.attempt)
