-- The end of a task.

local ALL_BUSY = 'All workers were busy for too long. Please try again later.'

-- finish moves a task to an end and tells of it; a failure with a code and a message for the user. From then on the sweeper finds it
-- among those that are kept for a while: what is due holds the living only, however many are stored.
local function finish(status, code, message)
	stop_clock()
	set('status', status)
	set('updatedAt', NOW_TEXT)
	set('finishedAt', NOW_TEXT)
	set('claim', '')
	set('claimUntil', '0')
	if status == 'COMPLETED' then
		set('progress', '100')
	end
	call('ZREM', task.userKey .. ':active', ID)
	call('ZREM', DUE, ID)
	call('ZADD', KEPT, format('%d', NOW + RETENTION), ID)
	if code then
		set('errorCode', code)
		set('errorMessage', message)
		append(
			'status', '\255status\255' .. status .. '\255errorCode\255' .. code .. '\255errorMessage\255' .. message,
			'status', status, 'errorCode', code, 'errorMessage', message
		)
	else
		append('status', '\255status\255' .. status, 'status', status)
	end
	-- Redis sets 4 KB aside for the growth of a stream (STREAM_LISTPACK_MAX_PRE_ALLOCATE in its t_stream.c), and this one grows no
	-- more and is kept for weeks: its copy is as small as it is. A server that can't copy (before 6.2) leaves it.
	local copied = redis.pcall('COPY', EVENTS, EVENTS .. ':copy', 'REPLACE')
	if copied == 1 then
		call('RENAME', EVENTS .. ':copy', EVENTS)
	end
end
