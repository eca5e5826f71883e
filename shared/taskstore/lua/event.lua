-- A task's durable events, and the moves between its living states. Who makes one has to save.

-- append makes a durable event of the present attempt: numbered, stored, rung. rest are its names and values beside those that all
-- have; bell is the same as words, each with \255 before it. Its number is told.
local function append(kind, bell, ...)
	local n, attempt = format('%d', num('events') + 1), task.attempt
	set('events', n)
	call('XADD', EVENTS, '0-' .. n, 'kind', kind, 'attempt', attempt, 'at', NOW_TEXT, ...)
	call('PUBLISH', 'recon:events:' .. ID, n .. '\255kind\255' .. kind .. '\255attempt\255' .. attempt .. '\255at\255' .. NOW_TEXT .. bell)
	return n
end

-- stop_clock ends a stretch of the time (ms) in which the present attempt was PROCESSING in a stage other than `queued`.
local function stop_clock()
	local since = num('runSince')
	if since > 0 then
		set('ran', format('%d', num('ran') + NOW - since))
		set('runSince', '0')
	end
end

-- move changes the status to one of the living and tells of it. The caller has checked that the lifecycle has the move.
local function move(status)
	if status == 'PROCESSING' then
		if task.reachedAttempt ~= task.attempt then
			if (task.startedAt or '') == '' then
				set('startedAt', NOW_TEXT)
			end
			set('reachedAttempt', task.attempt)
			set('reached', format('%d', num('reached') + 1))
		end
		set('fate', 'taken')
		set('silentSince', '')
		set('tries', '0')
		set('lease', NOW_TEXT)
		if task.stage ~= 'queued' then
			set('runSince', NOW_TEXT)
		end
	else
		stop_clock()
		set('pendingSince', NOW_TEXT)
		set('nextTry', NOW_TEXT)
		set('fate', 'unknown')
	end
	set('status', status)
	set('updatedAt', NOW_TEXT)
	append('status', '\255status\255' .. status, 'status', status)
end
