-- Reserves the id of a task that is about to be created, so that the picture can be copied to its place first.
--
-- KEYS IDEMPOTENCY only where the request has a key
-- ARGV 2 the user  3 hash of the body  4 reservation (ms)  5 active tasks allowed (0: any)  6 creates allowed in a period (0: any)
--      7 the period (ms)  8 where copies are kept
--
-- → ok, the task's id, name, contentType, size, sha256 and key of the picture, the copy's key | done, the task's id | fault
-- All but a fault that is not about the limits end in how they stand: in how many ms the bucket is full again, tasks that are active.

local body, reservation = ARGV[3], tonumber(ARGV[4])
local max_active, burst, period = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local id = string.sub(TASK, -36)
local DAY = 24 * 3600 * 1000

local tat, active -- how the limits stand, where they were asked

local function used()
	if burst > 0 and not tat then
		tat = tonumber(call('GET', RATE) or '0')
	end
	if max_active > 0 and not active then
		active = call('ZCOUNT', ACTIVE, '(' .. NOW_TEXT, '+inf')
	end
	return format('\255%d\255%d', math.ceil(math.max((tat or 0) - NOW, 0)), active or 0)
end

local known
if IDEMPOTENCY then
	local task, was, done, kept, op = unpack(call('HMGET', IDEMPOTENCY, 'task', 'body', 'done', 'until', 'op'))
	known = task
	if known and not done and NOW > tonumber(kept) + reservation then
		known = false -- so long ago that its copy is about to be deleted: begin anew
	end
	if known then
		if was ~= body then
			return 'fault\255idempotency_conflict'
		end
		if done then
			-- Its key has this task's tag, so it is in the slot.
			local made = call('HMGET', string.sub(TASK, 1, -37) .. known, 'firstClaim', 'claim', 'claimUntil')
			if made[1] and made[1] == made[2] and tonumber(made[3]) > NOW then
				return 'fault\255idempotency_in_progress\255' .. format('%d', tonumber(made[3]) - NOW)
			end
			return 'done\255' .. known .. used()
		end
		if op ~= OP and tonumber(kept) > NOW then
			return 'fault\255idempotency_in_progress\255' .. format('%d', tonumber(kept) - NOW)
		end
	end
end

if not known and call('EXISTS', TASK) == 1 then
	return 'done\255' .. id .. used() -- this very command came again, after what followed it: the copy is in use
end

local picture = call('HMGET', PICTURE, 'user', 'state', 'name', 'contentType', 'size', 'sha256', 'key', 'ext')
if picture[1] ~= ARGV[2] or picture[2] ~= 'ready' then
	return 'fault\255picture_not_found'
end

if known then
	id = known
elseif not call('ZSCORE', ACTIVE, id) then
	call('ZREMRANGEBYSCORE', ACTIVE, '-inf', NOW_TEXT)
	if max_active > 0 then
		active = call('ZCARD', ACTIVE)
		if active >= max_active then
			return 'fault\255too_many_active_tasks' .. used()
		end
		active = active + 1
	end
	if burst > 0 then
		-- GCRA: the bucket is full when its theoretical arrival time lies a whole period ahead.
		local step = period / burst
		tat = math.max(tonumber(call('GET', RATE) or '0'), NOW)
		if tat + step - NOW > period then
			active = active and active - 1
			return 'fault\255rate_limited\255' .. format('%d', math.ceil(tat + step - NOW - period)) .. used()
		end
		tat = tat + step
		call('SET', RATE, string.format('%.0f', tat), 'PX', format('%d', math.ceil(tat - NOW) + 1))
	end
end

local till = format('%d', NOW + reservation)
call('ZADD', ACTIVE, till, id)
if IDEMPOTENCY then
	call('HSET', IDEMPOTENCY, 'task', id, 'body', body, 'until', till, 'op', OP)
	call('PEXPIRE', IDEMPOTENCY, DAY)
end
-- The copy is in the trash until the task is recorded, so that one whose maker died is found. It stays there well beyond
-- the time in which it may still become a task.
local copy, lapse = ARGV[8] .. id .. '/original.' .. picture[8], NOW + 4 * reservation
call('ZADD', TRASH, format('%d', lapse), '1 ' .. copy, format('%d', lapse + URL_LIFE), '2 ' .. copy)
return 'ok\255' .. table.concat({ id, picture[3], picture[4], picture[5], picture[6], picture[7], copy }, '\255') .. used()
