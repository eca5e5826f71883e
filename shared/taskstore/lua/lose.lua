-- lose takes a task from a worker that fell silent or gave it back: to PENDING for the next attempt, or to its end.
local function lose()
	if num('reached') >= MAX_ATTEMPTS then
		finish('FAILED', 'worker_lost', 'The workers that had this task stopped answering. Please try again.')
	else
		set('claim', '') -- its 202 may still be on the way to us: whatever it says, this hand-over is over
		set('claimUntil', '0')
		move('PENDING')
	end
end
