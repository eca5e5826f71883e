-- A task's durable events, and the moves that they tell of. Who makes one has to save.

local ALL_BUSY = 'All workers were busy for too long. Please try again later.'

-- append makes a durable event of names and values: numbered, stored, rung.
local function append(...)
	local n = text(num('events') + 1)
	set('events', n)
	call('XADD', EVENTS, '0-' .. n, ...)
	call('PUBLISH', 'recon:events:' .. ID, words(n, ...))
	return n
end

local function final()
	local s = task.status
	return s == 'COMPLETED' or s == 'FAILED' or s == 'CANCELLED'
end

-- run_time is how long (ms) the present attempt was PROCESSING in a stage other than `queued`.
local function run_time()
	local since = num('runSince')
	if since > 0 then
		return num('ran') + NOW - since
	end
	return num('ran')
end

local function stop_clock()
	set('ran', text(run_time()))
	set('runSince', '0')
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
	if code then
		set('errorCode', code)
		set('errorMessage', message)
		append('kind', 'status', 'status', status, 'attempt', task.attempt, 'at', NOW_TEXT, 'errorCode', code, 'errorMessage', message)
	else
		append('kind', 'status', 'status', status, 'attempt', task.attempt, 'at', NOW_TEXT)
	end
end
