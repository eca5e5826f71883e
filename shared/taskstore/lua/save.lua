-- Writing the task back.

-- What was set, as names and values in turn. The table is made as large as it usually becomes, for growing it costs.
local changed, size = { nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil }, 0

-- set changes a field. value is a string.
local function set(field, value)
	task[field] = value
	changed[size + 1], changed[size + 2] = field, value
	size = size + 2
end

-- due is when the sweeper has to look at a living task again.
local function due()
	if task.status == 'PROCESSING' then
		local at, run = math.huge, num('runSince')
		if task.beats == task.attempt then
			at = num('lease') + HEARTBEAT_TIMEOUT
		end
		if run > 0 then
			at = math.min(at, run + TASK_TIMEOUT - num('ran'))
		end
		return at == math.huge and '+inf' or text(at)
	end
	return text(math.max(num('nextTry'), num('claimUntil')))
end

-- save writes the task and, while it lives, its place in the due index back, and remembers the reply for a rerun.
local function save(reply)
	set('op', OP .. '\255' .. reply)
	call('HSET', TASK, unpack(changed, 1, size))
	if task.status == 'PENDING' or task.status == 'PROCESSING' then
		call('ZADD', DUE, due(), ID)
	end
	return reply
end
