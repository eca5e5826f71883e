-- Looks at one due task.
--
-- ARGV 2 when the sweeper's last outage ended (ms)
--
-- → pending (to be dispatched) | lost, status | timeout, the worker that has it, attempt | unavailable | expired | later | gone

if not task.status then
	call('ZREM', DUE, ID)
	call('ZREM', KEPT, ID)
	return 'gone'
end
local resumed = tonumber(ARGV[2])
if task.status == 'PENDING' then
	if (task.silentSince or '') == '' and NOW >= math.max(num('pendingSince'), resumed) + QUEUE_DEADLINE then
		finish('FAILED', 'worker_unavailable', ALL_BUSY)
		return save('unavailable')
	end
	return math.max(num('nextTry'), num('claimUntil')) <= NOW and 'pending' or 'later'
end
if final() then
	local at = num('finishedAt') + RETENTION
	if at <= NOW then
		erase()
		return 'expired'
	end
	call('ZREM', DUE, ID) -- where ended tasks were before
	call('ZADD', KEPT, format('%d', at), ID) -- RETENTION may have been changed
	return 'later'
end
local since = num('runSince')
if since > 0 and num('ran') + NOW - since >= TASK_TIMEOUT then
	finish('FAILED', 'timeout', 'The reconstruction took too long and was stopped. Please try again, perhaps with a simpler picture.')
	return save('timeout\255' .. (task.worker or '') .. '\255' .. task.attempt)
end
-- An outage of ours is not the worker's fault: it could not tell us that it lives.
if num('lease') < resumed then
	set('lease', ARGV[2])
end
if task.beats == task.attempt and num('lease') + HEARTBEAT_TIMEOUT <= NOW then
	lose()
	return save('lost\255' .. task.status)
end
return save('later')
