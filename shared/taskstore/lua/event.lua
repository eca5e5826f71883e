-- A task's durable events, and the moves between its living states that they tell of. Who makes one has to save.

-- append makes a durable event of names and values: numbered, stored, rung. bell is the same as words, each with \255 before it.
local function append(bell, ...)
	local n = text(num('events') + 1)
	set('events', n)
	call('XADD', EVENTS, '0-' .. n, ...)
	call('PUBLISH', 'recon:events:' .. ID, n .. bell)
	return n
end

-- tell makes the event of a new status.
local function tell()
	local status, attempt = task.status, task.attempt
	append(
		'\255kind\255status\255status\255' .. status .. '\255attempt\255' .. attempt .. '\255at\255' .. NOW_TEXT,
		'kind', 'status', 'status', status, 'attempt', attempt, 'at', NOW_TEXT
	)
end

-- stop_clock ends a stretch of the time (ms) in which the present attempt was PROCESSING in a stage other than `queued`.
local function stop_clock()
	local since = num('runSince')
	if since > 0 then
		set('ran', text(num('ran') + NOW - since))
		set('runSince', '0')
	end
end

-- enter changes the status.
local function enter(status)
	if task.status == 'PROCESSING' then
		stop_clock()
	end
	set('status', status)
	set('updatedAt', NOW_TEXT)
end

-- move changes the status to one of the living and tells of it. The caller has checked that the lifecycle has the move.
local function move(status)
	enter(status)
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
	else
		set('pendingSince', NOW_TEXT)
		set('nextTry', NOW_TEXT)
		set('fate', 'unknown')
	end
	tell()
end
