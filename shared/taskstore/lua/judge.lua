-- judge tells why a callback of that attempt ('' where its worker knows none) is refused, nil where it is taken.
local function judge(attempt)
	local status = task.status
	if attempt == task.attempt and (status == 'PROCESSING' or status == 'PENDING') then
		return nil
	end
	if not status then
		return words('fault', 'task_not_found')
	end
	if status ~= 'PROCESSING' and status ~= 'PENDING' then
		return words('fault', 'task_finished', status)
	end
	local present, said = num('attempt'), attempt == '' and 1 or tonumber(attempt)
	if said < present then
		return words('fault', 'attempt_superseded')
	end
	if said > present then
		return words('fault', 'validation_failed', 'attempt', 'has not begun')
	end
end
