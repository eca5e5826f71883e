-- Records a task whose id was reserved and whose copy of the picture is in its place, and claims its first hand-over.
--
-- KEYS 6 the user's tasks  7 active  8 idempotency (or the task's own key)
-- ARGV the user, prefix of the user's keys, the task's id, the picture's id, the copy's key, contentType, size, sha256 and
--      name of the picture, '1' if there is an Idempotency-Key, nonce and length (ms; 0: none) of the claim, index of the first worker,
--      the formats that are wanted beside the usual results
--
-- → ok, '1' if the caller has the claim, attempt, status

local TASKS, ACTIVE, IDEMPOTENCY = KEYS[6], KEYS[7], KEYS[8]

load()
local again = replayed()
if again then
	return again
end
if exists then
	return { 'ok', '0', text(num('attempt')), task.status } -- a retry took the reservation up and was faster
end

local id, copy = ARGV[ARG + 2], ARGV[ARG + 4]
local kept = tonumber(redis.call('ZSCORE', ACTIVE, id) or '0')
if kept <= NOW then
	return fault('unavailable') -- the reservation lapsed: the copy is about to be deleted
end
set('user', ARGV[ARG])
set('userKey', ARGV[ARG + 1])
set('id', id)
set('imageId', ARGV[ARG + 3])
set('key', copy)
set('inputType', ARGV[ARG + 5])
set('inputSize', ARGV[ARG + 6])
set('inputSHA256', ARGV[ARG + 7])
set('inputName', ARGV[ARG + 8])
set('createdAt', NOW)
set('attempt', 0)
set('nextWorker', ARGV[ARG + 12])
set('formats', ARGV[ARG + 13])
redis.call('ZREM', TRASH, '1 ' .. copy, '2 ' .. copy)
redis.call('ZADD', TASKS, 0, id)
redis.call('ZADD', ACTIVE, '+inf', id)
if ARGV[ARG + 9] == '1' then
	redis.call('HSET', IDEMPOTENCY, 'done', '1')
end
move('PENDING')
set('fate', '')
local ms = tonumber(ARGV[ARG + 11])
if ms > 0 then
	claim(ARGV[ARG + 10], ms)
	set('firstClaim', ARGV[ARG + 10]) -- while it is held, the create is still being answered
end
return save({ 'ok', ms > 0 and '1' or '0', text(num('attempt')), task.status })
