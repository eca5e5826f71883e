-- Gives back the reservation of a task that could not be created: the id, the place among the active, the drained token.
--
-- KEYS IDEMPOTENCY only where there is an Idempotency-Key
-- ARGV 2 creates allowed in a period (0: any)  3 the period (ms)  4 the copy's key

local burst, period, id = tonumber(ARGV[2]), tonumber(ARGV[3]), string.sub(TASK, -36)

if call('EXISTS', TASK) == 1 or call('ZREM', ACTIVE, id) == 0 then
	return 'ok' -- recorded meanwhile by a retry, or given back before
end
if IDEMPOTENCY and call('HGET', IDEMPOTENCY, 'task') == id then
	call('DEL', IDEMPOTENCY)
end
local tat = tonumber(call('GET', RATE) or '0')
if burst > 0 and tat > NOW then
	call('SET', RATE, string.format('%.0f', tat - period / burst), 'PX', format('%d', math.ceil(tat - NOW) + 1))
end
trash(ARGV[4])
return 'ok'
