-- claim gives the hand-over to one dispatcher for ms milliseconds, and tells the index of the worker that it asks first. Until
-- it records what came of it, its fate is unknown: should it die, whoever follows asks the next worker first.
local function claim(nonce, ms)
	local attempt, worker = num('attempt'), num('nextWorker')
	if attempt == 0 then
		set('attempt', '1')
	elseif task.fate == 'unknown' then
		-- Another worker may have the task: the fencing token rises, and the results of the lower attempt leave the task.
		set('attempt', format('%d', attempt + 1))
		trash_results()
		for _, field in ipairs({ 'ran', 'runSince', 'progress' }) do
			set(field, '0')
		end
		for _, field in ipairs({ 'stage', 'queuePosition', 'etaSeconds', 'progressAt', 'worker' }) do
			set(field, '')
		end
	end
	set('claim', nonce)
	set('claimUntil', format('%d', NOW + ms))
	set('fate', 'unknown')
	set('tries', format('%d', num('tries') + 1))
	if (task.silentSince or '') == '' then
		set('silentSince', NOW_TEXT)
	end
	set('nextWorker', format('%d', worker + 1))
	return format('%d', worker)
end
