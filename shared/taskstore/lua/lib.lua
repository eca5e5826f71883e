-- What every script of package taskstore begins with. A script runs alone: what it reads stays true until it ends.
--
-- KEYS  1 task  2 events  3 results  4 due  5 trash            (then the script's own)
-- ARGV  1 op  2-8 policy  9 channel                            (then the script's own, from ARG)
--
-- op is a nonce of this call. The client re-sends a script whose reply was lost; the second run finds op on the task and
-- answers as the first did, changing nothing.

local TASK, EVENTS, RESULTS, DUE, TRASH = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local OP, CHANNEL, ARG = ARGV[1], ARGV[9], 10
local HEARTBEAT_TIMEOUT, TASK_TIMEOUT, RETENTION = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local MAX_ATTEMPTS, QUEUE_DEADLINE, DISPATCH_DEADLINE = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local URL_LIFE = tonumber(ARGV[8])

local ALL_BUSY = 'All workers were busy for too long. Please try again later.'

-- Redis' clock is the one clock of all functions.
local function clock()
	local t = redis.call('TIME')
	return t[1] * 1000 + math.floor(t[2] / 1000)
end
local NOW = clock()

local function text(v)
	if type(v) == 'number' then
		return string.format('%.0f', v)
	end
	return v
end

local function fault(code, ...)
	return { 'fault', code, ... }
end

-- The task: its hash as a table, and what is to be written back.
local task, dirty, exists = {}, {}, false

local function load()
	local flat = redis.call('HGETALL', TASK)
	for i = 1, #flat, 2 do
		task[flat[i]] = flat[i + 1]
	end
	exists = #flat > 0
end

local function str(field)
	return task[field] or ''
end

local function num(field)
	return tonumber(task[field]) or 0
end

local function set(field, value)
	task[field] = text(value)
	dirty[field] = true
end

local function final()
	local s = task.status
	return s == 'COMPLETED' or s == 'FAILED' or s == 'CANCELLED'
end

-- replayed tells the reply of this very call's first run, if it had one.
local function replayed()
	if exists and task.op == OP then
		return cjson.decode(task.reply)
	end
end

-- append_event makes a durable event: numbered, stored, rung. fields is a flat list of names and values.
local function append_event(fields)
	local n = redis.call('HINCRBY', TASK, 'events', 1)
	redis.call('XADD', EVENTS, '0-' .. text(n), unpack(fields))
	table.insert(fields, 1, text(n))
	redis.call('PUBLISH', CHANNEL, cjson.encode(fields))
	return n
end

-- trash has an object deleted now, and again when the last URL to it has run out.
local function trash(key)
	redis.call('ZADD', TRASH, text(NOW), '1 ' .. key)
	redis.call('ZADD', TRASH, text(NOW + URL_LIFE), '2 ' .. key)
end

-- run_time is how long (ms) the present attempt was PROCESSING in a stage other than `queued`.
local function run_time()
	if num('runSince') > 0 then
		return num('ran') + NOW - num('runSince')
	end
	return num('ran')
end

local function stop_clock()
	set('ran', run_time())
	set('runSince', 0)
end

-- move changes the status and tells of it. The caller has checked that the lifecycle has the move.
local function move(status, code, message)
	if task.status == 'PROCESSING' then
		stop_clock()
	end
	set('status', status)
	set('updatedAt', NOW)
	local event = { 'kind', 'status', 'status', status, 'attempt', text(num('attempt')), 'at', text(NOW) }
	if code then
		set('errorCode', code)
		set('errorMessage', message)
		event[#event + 1] = 'errorCode'
		event[#event + 1] = code
		event[#event + 1] = 'errorMessage'
		event[#event + 1] = message
	end
	if status == 'PROCESSING' then
		if str('startedAt') == '' then
			set('startedAt', NOW)
		end
		if num('reachedAttempt') ~= num('attempt') then
			set('reachedAttempt', num('attempt'))
			set('reached', num('reached') + 1)
		end
		set('fate', 'taken')
		set('silentSince', '')
		set('tries', 0)
		set('lease', NOW)
		if task.stage ~= 'queued' then
			set('runSince', NOW)
		end
	elseif status == 'PENDING' then
		set('pendingSince', NOW)
		set('nextTry', NOW)
		set('fate', 'unknown')
	else
		set('finishedAt', NOW)
		set('claim', '')
		set('claimUntil', 0)
		if status == 'COMPLETED' then
			set('progress', 100)
		end
		redis.call('ZREM', task.userKey .. ':active', task.id)
	end
	append_event(event)
end

-- lose takes a task from a worker that fell silent or gave it back: to PENDING for the next attempt, or to its end.
local function lose()
	if num('reached') >= MAX_ATTEMPTS then
		move('FAILED', 'worker_lost', 'The workers that had this task stopped answering. Please try again.')
	else
		move('PENDING')
	end
end

-- judge_attempt tells why a callback of that attempt ('' where its worker knows none) is refused, nil where it is of the
-- present one.
local function judge_attempt(attempt)
	local present = num('attempt')
	if attempt == '' then
		if present > 1 then
			return fault('attempt_superseded')
		end
		attempt = 1
	end
	attempt = tonumber(attempt)
	if attempt < present then
		return fault('attempt_superseded')
	end
	if attempt > present then
		return fault('validation_failed', 'attempt', 'has not begun')
	end
end

-- accept takes a callback of the present attempt as a sign of life, and for the 202 that was lost where the task is PENDING.
local function accept()
	if task.status == 'PENDING' then
		move('PROCESSING')
	end
	set('lease', NOW)
	set('updatedAt', NOW)
end

-- due is when the sweeper has to look at the task again.
local function due()
	if final() then
		return num('finishedAt') + RETENTION
	end
	if task.status == 'PENDING' then
		return math.max(num('nextTry'), num('claimUntil'))
	end
	local at = math.huge
	if num('beats') == num('attempt') then
		at = num('lease') + HEARTBEAT_TIMEOUT
	end
	if num('runSince') > 0 then
		at = math.min(at, num('runSince') + TASK_TIMEOUT - num('ran'))
	end
	return at
end

-- save writes the task and its place in the due index back, and remembers the reply for a rerun.
local function save(reply)
	set('op', OP)
	set('reply', cjson.encode(reply))
	local flat = {}
	for field in pairs(dirty) do
		flat[#flat + 1] = field
		flat[#flat + 1] = task[field]
	end
	redis.call('HSET', TASK, unpack(flat))
	redis.call('ZADD', DUE, text(due()), task.id)
	return reply
end

-- begin_attempt raises the fencing token where the fate of the present hand-over is not known. The results of the lower
-- attempt leave the task.
local function begin_attempt()
	if num('attempt') > 0 and str('fate') ~= 'unknown' then
		return
	end
	set('attempt', num('attempt') + 1)
	local results = redis.call('HGETALL', RESULTS)
	for i = 2, #results, 2 do
		trash(cjson.decode(results[i]).key)
	end
	redis.call('DEL', RESULTS)
	for _, field in ipairs({ 'ran', 'runSince', 'progress' }) do
		set(field, 0)
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
	set('claimUntil', NOW + ms)
	set('fate', 'unknown')
	set('tries', num('tries') + 1)
	if str('silentSince') == '' then
		set('silentSince', NOW)
	end
	local worker = num('nextWorker')
	set('nextWorker', worker + 1)
	return worker
end

-- erase removes a task and all that belongs to it. The caller has checked that it may go.
local function erase()
	trash(task.key)
	local results = redis.call('HGETALL', RESULTS)
	for i = 2, #results, 2 do
		trash(cjson.decode(results[i]).key)
	end
	redis.call('DEL', TASK, EVENTS, RESULTS)
	redis.call('ZREM', DUE, task.id)
	redis.call('ZREM', task.userKey .. ':tasks', task.id)
	redis.call('ZREM', task.userKey .. ':active', task.id)
	redis.call('PUBLISH', CHANNEL, '["gone"]')
end
