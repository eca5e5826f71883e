-- Takes a worker's status callback.
--
-- ARGV attempt ('' if none), status (processing | completed | failed | released), code and message of the error, progress, stage,
--      queuePosition, etaSeconds ('' where absent), then the names of the required results
--
-- → ok, status, '1' if it changed nothing | fault

load()
local again = replayed()
if again then
	return again
end
local attempt, said = ARGV[ARG], ARGV[ARG + 1]
if not exists then
	return fault('task_not_found')
end
if final() then
	local same = said == 'completed' and task.status == 'COMPLETED' or said == 'failed' and task.status == 'FAILED'
	if same and (attempt == '' or tonumber(attempt) == num('attempt')) then
		return { 'ok', task.status, '1' }
	end
	return fault('task_finished', task.status)
end
local refused = judge_attempt(attempt)
if refused then
	return refused
end

if said == 'released' then
	if task.status == 'PENDING' then
		-- Its 202 may still be on the way to us: whatever it says, this hand-over is over.
		if str('claim') ~= '' then
			set('claim', '')
			set('claimUntil', 0)
			set('fate', 'unknown')
			set('nextTry', NOW)
			return save({ 'ok', task.status, '1' })
		end
		return { 'ok', task.status, '1' }
	end
	lose()
	return save({ 'ok', task.status, '0' })
end

if said == 'completed' then
	local missing = {}
	for i = ARG + 8, #ARGV do
		local r = redis.call('HGET', RESULTS, ARGV[i])
		if not r or cjson.decode(r).state ~= 'stored' then
			missing[#missing + 1] = ARGV[i]
		end
	end
	if #missing > 0 then
		return fault('results_missing', unpack(missing))
	end
end

accept()
if said == 'completed' then
	move('COMPLETED')
elseif said == 'failed' then
	move('FAILED', ARGV[ARG + 2], ARGV[ARG + 3])
else
	local stage = ARGV[ARG + 5]
	if stage ~= '' then
		if stage == 'queued' and num('runSince') > 0 then
			stop_clock()
		elseif stage ~= 'queued' and num('runSince') == 0 then
			set('runSince', NOW)
		end
		set('stage', stage)
	end
	if ARGV[ARG + 4] ~= '' then
		set('progress', ARGV[ARG + 4])
	end
	set('queuePosition', ARGV[ARG + 6])
	set('etaSeconds', ARGV[ARG + 7])
	set('progressAt', NOW)
	set('beats', num('attempt'))
	redis.call('PUBLISH', CHANNEL, cjson.encode({
		'0', 'kind', 'progress', 'attempt', text(num('attempt')), 'at', text(NOW), 'progress', text(num('progress')),
		'stage', str('stage'), 'queuePosition', str('queuePosition'), 'etaSeconds', str('etaSeconds'),
	}))
end
return save({ 'ok', task.status, '0' })
