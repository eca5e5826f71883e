-- erase removes a task and all that belongs to it. The caller has checked that it may go. What frees memory comes first: a server at its
-- maxmemory refuses what may take some, but not to a script that has begun to write.
local function erase()
	call('ZREM', DUE, ID)
	call('ZREM', KEPT, ID)
	call('ZREM', task.userKey .. ':tasks', ID)
	call('ZREM', task.userKey .. ':active', ID)
	trash(task.key)
	trash_results()
	call('DEL', TASK, EVENTS)
	call('PUBLISH', 'recon:events:' .. ID, 'gone')
end
