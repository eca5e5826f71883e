-- The end of a task.

local ALL_BUSY = 'All workers were busy for too long. Please try again later.'

-- finish moves a task to an end and tells of it; a failure with a code and a message for the user. From then on the sweeper finds it
-- among those that are kept for a while: what is due holds the living only, however many are stored.
local function finish(status, code, message)
	enter(status)
	set('finishedAt', NOW_TEXT)
	set('claim', '')
	set('claimUntil', '0')
	if status == 'COMPLETED' then
		set('progress', '100')
	end
	call('ZREM', task.userKey .. ':active', ID)
	call('ZREM', DUE, ID)
	call('ZADD', KEPT, text(NOW + RETENTION), ID)
	if not code then
		return tell()
	end
	set('errorCode', code)
	set('errorMessage', message)
	append(
		'\255kind\255status\255status\255' .. status .. '\255attempt\255' .. task.attempt .. '\255at\255' .. NOW_TEXT
			.. '\255errorCode\255' .. code .. '\255errorMessage\255' .. message,
		'kind', 'status', 'status', status, 'attempt', task.attempt, 'at', NOW_TEXT, 'errorCode', code, 'errorMessage', message
	)
end
