-- What callbacks have in common: ARGV 2 is the attempt that the worker means, '' where it knows none.

-- refused is why the callback is refused, nil where it is taken.
local refused
if ARGV[2] ~= task.attempt or task.status ~= 'PROCESSING' and task.status ~= 'PENDING' then
	local said, present = ARGV[2] == '' and 1 or tonumber(ARGV[2]), num('attempt')
	if not task.status then
		refused = 'fault\255task_not_found'
	elseif task.status ~= 'PROCESSING' and task.status ~= 'PENDING' then
		refused = 'fault\255task_finished\255' .. task.status
	elseif said < present then
		refused = 'fault\255attempt_superseded'
	elseif said > present then
		refused = 'fault\255validation_failed\255attempt\255has not begun'
	end
end
