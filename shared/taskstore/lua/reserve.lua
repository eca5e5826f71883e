-- Reserves the id of a task that is about to be created, so that the picture can be copied to its place first.
--
-- KEYS 6 picture  7 active  8 rate  9 idempotency (or the task's own key, where the request has none)
-- ARGV the user, the picture's id, the task's id, '1' if there is an Idempotency-Key, hash of the body,
--      reservation (ms), active tasks allowed (0: any), creates allowed in a period (0: any), the period (ms), the copy's key without extension
--
-- → ok, the task's id, name, contentType, size, sha256, key and ext of the picture | done, the task's id
--   | fault

local PICTURE, ACTIVE, RATE, IDEMPOTENCY = KEYS[6], KEYS[7], KEYS[8], KEYS[9]
local user, picture_id, id, keyed, body = ARGV[ARG], ARGV[ARG + 1], ARGV[ARG + 2], ARGV[ARG + 3] == '1', ARGV[ARG + 4]
local reservation = tonumber(ARGV[ARG + 5])
local max_active, burst, period = tonumber(ARGV[ARG + 6]), tonumber(ARGV[ARG + 7]), tonumber(ARGV[ARG + 8])
local DAY = 24 * 3600 * 1000

local function first(list)
	local t = {}
	for i = 1, #list, 2 do
		t[list[i]] = list[i + 1]
	end
	return t
end

local known = keyed and first(redis.call('HGETALL', IDEMPOTENCY)) or {}
if known.task and not known['done'] and NOW > tonumber(known['until']) + reservation then
	known = {} -- so long ago that its copy is about to be deleted: begin anew
end
if known.task then
	if known.body ~= body then
		return fault('idempotency_conflict')
	end
	if known['done'] then
		-- Its key has this task's tag, so it is in the slot.
		local made = redis.call('HMGET', string.sub(TASK, 1, -#id - 1) .. known.task, 'firstClaim', 'claim', 'claimUntil')
		if made[1] and made[1] == made[2] and tonumber(made[3]) > NOW then
			return fault('idempotency_in_progress', text(tonumber(made[3]) - NOW))
		end
		return { 'done', known.task }
	end
	if known.op ~= OP and tonumber(known['until']) > NOW then
		return fault('idempotency_in_progress', text(tonumber(known['until']) - NOW))
	end
end

local picture = first(redis.call('HGETALL', PICTURE))
if picture.user ~= user or picture.state ~= 'ready' then
	return fault('picture_not_found')
end

local reserved = known.task or (redis.call('ZSCORE', ACTIVE, id) and id)
if not reserved then
	redis.call('ZREMRANGEBYSCORE', ACTIVE, '-inf', text(NOW))
	if max_active > 0 and redis.call('ZCARD', ACTIVE) >= max_active then
		return fault('too_many_active_tasks')
	end
	if burst > 0 then
		-- GCRA: the bucket is full when its theoretical arrival time lies a whole period ahead.
		local step = period / burst
		local tat = math.max(tonumber(redis.call('GET', RATE) or '0'), NOW)
		if tat + step - NOW > period then
			return fault('rate_limited', text(math.ceil(tat + step - NOW - period)))
		end
		redis.call('SET', RATE, text(tat + step), 'PX', text(math.ceil(tat + step - NOW) + 1))
	end
end
id = reserved or id

redis.call('ZADD', ACTIVE, text(NOW + reservation), id)
if keyed then
	redis.call('HSET', IDEMPOTENCY, 'task', id, 'body', body, 'until', text(NOW + reservation), 'op', OP)
	redis.call('PEXPIRE', IDEMPOTENCY, DAY)
end
-- The copy is in the trash until the task is recorded, so that one whose maker died is found. It stays there well beyond
-- the time in which it may still become a task.
local copy = ARGV[ARG + 9] .. id .. '/original.' .. picture.ext
redis.call('ZADD', TRASH, text(NOW + 4 * reservation), '1 ' .. copy)
redis.call('ZADD', TRASH, text(NOW + 4 * reservation + URL_LIFE), '2 ' .. copy)
return { 'ok', id, picture.name, picture.contentType, picture.size, picture.sha256, picture.key, copy }
