-- Looks at one due task.
--
-- ARGV the task's id, when the sweeper's last outage ended (ms)
--
-- → pending (to be dispatched) | lost, status | timeout, the worker that has it, attempt | unavailable | expired | later | gone

load()
if not exists then
	redis.call('ZREM', DUE, ARGV[ARG])
	return { 'gone' }
end
local again = replayed()
if again then
	return again
end
local resumed = tonumber(ARGV[ARG + 1])
if task.status == 'PENDING' and str('silentSince') == '' and NOW >= math.max(num('pendingSince'), resumed) + QUEUE_DEADLINE then
	move('FAILED', 'worker_unavailable', ALL_BUSY)
	return save({ 'unavailable' })
end
if task.status == 'PENDING' then
	return { due() <= NOW and 'pending' or 'later' }
end
if final() then
	if due() <= NOW then
		erase()
		return { 'expired' }
	end
	redis.call('ZADD', DUE, text(due()), task.id) -- RETENTION was changed
	return { 'later' }
end
if num('runSince') > 0 and run_time() >= TASK_TIMEOUT then
	move('FAILED', 'timeout', 'The reconstruction took too long and was stopped. Please try again, perhaps with a simpler picture.')
	return save({ 'timeout', str('worker'), text(num('attempt')) })
end
-- An outage of ours is not the worker's fault: it could not tell us that it lives.
if num('lease') < resumed then
	set('lease', resumed)
end
if num('beats') == num('attempt') and num('lease') + HEARTBEAT_TIMEOUT <= NOW then
	lose()
	return save({ 'lost', task.status })
end
return save({ 'later' })
