-- A task's durable events, and the moves that they tell of. Who makes one has to save.

local ALL_BUSY = 'All workers were busy for too long. Please try again later.'

-- append makes a durable event of names and values: numbered, stored, rung. bell is the same as words, each with \255 before it.
local function append(bell, ...)
	local n = text(num('events') + 1)
	set('events', n)
	call('XADD', EVENTS, '0-' .. n, ...)
	call('PUBLISH', 'recon:events:' .. ID, n .. bell)
	return n
end

-- stop_clock ends a stretch of the time (ms) in which the present attempt was PROCESSING in a stage other than `queued`.
local function stop_clock()
	local since = num('runSince')
	if since > 0 then
		set('ran', text(num('ran') + NOW - since))
		set('runSince', '0')
	end
end

-- move changes the status and tells of it. The caller has checked that the lifecycle has the move.
local function move(status, code, message)
	if task.status == 'PROCESSING' then
		stop_clock()
	end
	set('status', status)
	set('updatedAt', NOW_TEXT)
	if status == 'PROCESSING' then
		if (task.startedAt or '') == '' then
			set('startedAt', NOW_TEXT)
		end
		if task.reachedAttempt ~= task.attempt then
			set('reachedAttempt', task.attempt)
			set('reached', text(num('reached') + 1))
		end
		set('fate', 'taken')
		set('silentSince', '')
		set('tries', '0')
		set('lease', NOW_TEXT)
		if task.stage ~= 'queued' then
			set('runSince', NOW_TEXT)
		end
	elseif status == 'PENDING' then
		set('pendingSince', NOW_TEXT)
		set('nextTry', NOW_TEXT)
		set('fate', 'unknown')
	else
		set('finishedAt', NOW_TEXT)
		set('claim', '')
		set('claimUntil', '0')
		if status == 'COMPLETED' then
			set('progress', '100')
		end
		call('ZREM', task.userKey .. ':active', ID)
	end
	local bell = '\255kind\255status\255status\255' .. status .. '\255attempt\255' .. task.attempt .. '\255at\255' .. NOW_TEXT
	if code then
		set('errorCode', code)
		set('errorMessage', message)
		bell = bell .. '\255errorCode\255' .. code .. '\255errorMessage\255' .. message
		append(bell, 'kind', 'status', 'status', status, 'attempt', task.attempt, 'at', NOW_TEXT, 'errorCode', code, 'errorMessage', message)
	else
		append(bell, 'kind', 'status', 'status', status, 'attempt', task.attempt, 'at', NOW_TEXT)
	end
end
