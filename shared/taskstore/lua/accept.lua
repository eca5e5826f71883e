-- accept takes a callback of the present attempt as a sign of life, and for the 202 that was lost where the task is PENDING.
local function accept()
	if task.status == 'PENDING' then
		move('PROCESSING')
	end
	set('lease', NOW_TEXT)
	set('updatedAt', NOW_TEXT)
end
