-- begin_attempt raises the fencing token where the fate of the present hand-over is not known. The results of the lower
-- attempt leave the task.
local function begin_attempt()
	local attempt = num('attempt')
	if attempt > 0 and task.fate ~= 'unknown' then
		return
	end
	set('attempt', text(attempt + 1))
	if attempt == 0 then
		return
	end
	trash_results()
	for _, field in ipairs({ 'ran', 'runSince', 'progress' }) do
		set(field, '0')
	end
	for _, field in ipairs({ 'stage', 'queuePosition', 'etaSeconds', 'progressAt', 'worker' }) do
		set(field, '')
	end
end

-- claim gives the hand-over to one dispatcher for ms milliseconds, and tells the index of the worker that it asks first. Until
-- it records what came of it, its fate is unknown: should it die, whoever follows asks the next worker first.
local function claim(nonce, ms)
	begin_attempt()
	set('claim', nonce)
	set('claimUntil', text(NOW + ms))
	set('fate', 'unknown')
	set('tries', text(num('tries') + 1))
	if (task.silentSince or '') == '' then
		set('silentSince', NOW_TEXT)
	end
	local worker = num('nextWorker')
	set('nextWorker', text(worker + 1))
	return text(worker)
end
