-- Records what came of a hand-over. Only who holds the claim may.
--
-- A task that waits for busy workers stays due: the sweeper asks for the oldest first, when the workers may be asked again.
--
-- ARGV nonce, outcome (accepted | rejected | busy | waiting | refused | unknown), the worker's URL, index of the worker to ask next,
--      '1' if the worker promised heartbeats, pause before the next try (ms), message for the user, when the sweeper's last outage ended (ms)
--
-- → ok, status | lost, status (the claim ran out, or the task ended meanwhile; status '' where it was deleted)

load()
local again = replayed()
if again then
	return again
end
local outcome, pause, resumed = ARGV[ARG + 1], tonumber(ARGV[ARG + 5]), tonumber(ARGV[ARG + 7])
if not exists or str('claim') ~= ARGV[ARG] then
	return { 'lost', str('status') }
end
set('claim', '')
set('claimUntil', 0)
set('nextWorker', ARGV[ARG + 3])

-- unavailable ends a task that waited in vain, or has it tried again after the pause, at the deadline at the latest.
local function unavailable(deadline, message)
	if NOW >= deadline then
		move('FAILED', 'worker_unavailable', message)
	else
		set('nextTry', math.min(NOW + pause, deadline))
	end
end

if outcome == 'accepted' then
	set('worker', ARGV[ARG + 2])
	if task.status == 'PENDING' then
		move('PROCESSING')
	end
	if ARGV[ARG + 4] == '1' then
		set('beats', num('attempt'))
		set('lease', NOW)
	end
elseif task.status ~= 'PENDING' then
	-- A callback of this attempt came first: the worker has it, whatever its answer was.
	set('worker', ARGV[ARG + 2])
elseif outcome == 'rejected' then
	move('FAILED', 'image_rejected', ARGV[ARG + 6])
elseif outcome == 'busy' or outcome == 'waiting' then
	if outcome == 'busy' then
		pause = 0
	end
	set('fate', 'refused')
	set('silentSince', '')
	unavailable(math.max(num('pendingSince'), resumed) + QUEUE_DEADLINE, ALL_BUSY)
else
	if outcome == 'refused' then
		set('fate', 'refused')
	else
		set('worker', ARGV[ARG + 2])
	end
	unavailable(math.max(num('silentSince'), resumed) + DISPATCH_DEADLINE, 'No worker could be reached. Please try again later.')
end
return save({ 'ok', task.status })
