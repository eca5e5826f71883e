-- Writing the task back.

-- What was set, as names and values in turn. The table is made as large as it usually becomes, for growing it costs.
local changed, size = { nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil }, 0

-- set changes a field. value is a string.
local function set(field, value)
	task[field] = value
	changed[size + 1], changed[size + 2] = field, value
	size = size + 2
end

-- save writes the task back and, while it lives, when the sweeper has to look at it again, and remembers the reply for a rerun.
local function save(reply)
	set('op', OP .. '\255' .. reply)
	call('HSET', TASK, unpack(changed, 1, size))
	if task.status == 'PENDING' then
		call('ZADD', DUE, format('%d', math.max(num('nextTry'), num('claimUntil'))), ID)
	elseif task.status == 'PROCESSING' then
		local at, run = math.huge, num('runSince')
		if task.beats == task.attempt then
			at = num('lease') + HEARTBEAT_TIMEOUT
		end
		if run > 0 then
			at = math.min(at, run + TASK_TIMEOUT - num('ran'))
		end
		call('ZADD', DUE, at == math.huge and '+inf' or format('%d', at), ID)
	end
	return reply
end
