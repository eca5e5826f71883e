-- Records what came of a hand-over. Only who holds the claim may.
--
-- A task that waits for busy workers stays due: the sweeper asks for the oldest first, when the workers may be asked again.
--
-- ARGV 2 nonce  3 outcome (accepted | rejected | busy | waiting | refused | unknown)  4 the worker's URL  5 index of the worker to ask next
--      6 '1' if the worker promised heartbeats  7 pause before the next try (ms)  8 message for the user
--      9 when the sweeper's last outage ended (ms)
--
-- → ok, status | lost, status (the claim ran out, or the task ended meanwhile; status '' where it was deleted)

local outcome = ARGV[3]
if task.claim ~= ARGV[2] then
	return 'lost\255' .. (task.status or '')
end
set('claim', '')
set('claimUntil', '0')
set('nextWorker', ARGV[5])

if outcome == 'accepted' then
	set('worker', ARGV[4])
	if task.status == 'PENDING' then
		move('PROCESSING')
	end
	if ARGV[6] == '1' then
		set('beats', task.attempt)
		set('lease', NOW_TEXT)
	end
elseif task.status ~= 'PENDING' then
	-- A callback of this attempt came first: the worker has it, whatever its answer was.
	set('worker', ARGV[4])
elseif outcome == 'rejected' then
	finish('FAILED', 'image_rejected', ARGV[8])
else
	local pause, resumed, deadline, message = tonumber(ARGV[7]), tonumber(ARGV[9])
	if outcome == 'busy' or outcome == 'waiting' then
		if outcome == 'busy' then
			pause = 0
		end
		set('fate', 'refused')
		set('silentSince', '')
		deadline, message = math.max(num('pendingSince'), resumed) + QUEUE_DEADLINE, ALL_BUSY
	else
		if outcome == 'refused' then
			set('fate', 'refused')
		else
			set('worker', ARGV[4])
		end
		deadline, message = math.max(num('silentSince'), resumed) + DISPATCH_DEADLINE, 'No worker could be reached. Please try again later.'
	end
	if NOW >= deadline then
		finish('FAILED', 'worker_unavailable', message)
	else
		set('nextTry', format('%d', math.min(NOW + pause, deadline)))
	end
end
return save('ok\255' .. task.status)
