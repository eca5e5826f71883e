-- erase removes a task and all that belongs to it. The caller has checked that it may go.
local function erase()
	trash(task.key)
	trash_results()
	call('ZREM', DUE, ID)
	call('ZREM', KEPT, ID)
	call('ZREM', task.userKey .. ':tasks', ID)
	call('ZREM', task.userKey .. ':active', ID)
	call('DEL', TASK, EVENTS)
	call('PUBLISH', 'recon:events:' .. ID, 'gone')
end
