-- Gives back the reservation of a task that could not be created: the id, the place among the active, the drained token.
--
-- KEYS 6 active  7 rate  8 idempotency (or the task's own key)
-- ARGV the task's id, '1' if there is an Idempotency-Key, creates allowed in a period (0: any), the period (ms), the copy's key

local ACTIVE, RATE, IDEMPOTENCY = KEYS[6], KEYS[7], KEYS[8]
local id, keyed, burst, period, copy = ARGV[ARG], ARGV[ARG + 1] == '1', tonumber(ARGV[ARG + 2]), tonumber(ARGV[ARG + 3]), ARGV[ARG + 4]

if redis.call('EXISTS', TASK) == 1 or redis.call('ZREM', ACTIVE, id) == 0 then
	return { 'ok' } -- recorded meanwhile by a retry, or given back before
end
if keyed and redis.call('HGET', IDEMPOTENCY, 'task') == id then
	redis.call('DEL', IDEMPOTENCY)
end
local tat = tonumber(redis.call('GET', RATE) or '0')
if burst > 0 and tat > NOW then
	redis.call('SET', RATE, text(tat - period / burst), 'PX', text(math.ceil(tat - NOW) + 1))
end
trash(copy)
return { 'ok' }
