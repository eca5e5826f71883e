-- Judges, reserves and records a worker's result. A result is reserved before its object is written, so that of two with other
-- bytes only one is; the reservation lasts longer than any function lives, so that its holder can't write after it.
--
-- ARGV step (judge | upload | reserve | record | release), attempt ('' if none), name, sha256, size, contentType,
--      key of the object (upload: of the staged object), reservation (ms; upload: how long the PUT URL lives)
--
-- → ok | duplicate, size | fault

load()
local again = replayed()
if again then
	return again
end
local step, attempt, name, sha256 = ARGV[ARG], ARGV[ARG + 1], ARGV[ARG + 2], ARGV[ARG + 3]
local size, content_type, key, life = ARGV[ARG + 4], ARGV[ARG + 5], ARGV[ARG + 6], tonumber(ARGV[ARG + 7])
local number = attempt == '' and 1 or tonumber(attempt)

local known = redis.call('HGET', RESULTS, name)
known = known and cjson.decode(known)
if known and known.attempt ~= number then
	known = nil
end

local function judge()
	if not exists then
		return fault('task_not_found')
	end
	if known and known.state == 'stored' and known.sha256 == sha256 then
		return { 'duplicate', text(known.size) }
	end
	if final() then
		return fault('task_finished', task.status)
	end
	local refused = judge_attempt(attempt)
	if refused then
		return refused
	end
	if known and known.sha256 ~= sha256 and (known.state == 'stored' or known['until'] > NOW) then
		return fault('result_conflict')
	end
end

local function keep(state, extra)
	local r = { state = state, attempt = number, sha256 = sha256, size = tonumber(size), contentType = content_type, key = key }
	for k, v in pairs(extra) do
		r[k] = v
	end
	redis.call('HSET', RESULTS, name, cjson.encode(r))
end

local refused = judge()
if step == 'release' then
	if known and known.state == 'reserved' and known.sha256 == sha256 then
		redis.call('HDEL', RESULTS, name)
	end
	return { 'ok' }
end
if refused then
	if step == 'record' and refused[1] == 'fault' and refused[2] ~= 'result_conflict' then
		trash(key) -- the object was written for a task that ended, was taken over or was deleted meanwhile
		if known then
			redis.call('HDEL', RESULTS, name)
		end
	end
	return refused
end
if step == 'judge' then
	return { 'ok' }
end
if step == 'upload' then
	redis.call('ZADD', TRASH, text(NOW + life + URL_LIFE), '2 ' .. key)
	accept()
	return save({ 'ok' })
end
if step == 'reserve' then
	keep('reserved', { ['until'] = NOW + life })
	return { 'ok' }
end

accept()
local n = append_event({
	'kind', 'result', 'attempt', text(number), 'at', text(NOW), 'name', name, 'key', key, 'size', size, 'sha256', sha256, 'contentType', content_type,
})
keep('stored', { at = NOW, event = n })
return save({ 'ok' })
