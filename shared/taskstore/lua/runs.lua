-- Notes that the sweeper runs. After a gap longer than ARGV[2] ms in its runs it remembers when the gap ended.
--
-- KEYS 1 the sweeper's hash
-- ARGV 1 unused  2 gap (ms)
--
-- → now (ms), when the last gap ended (ms; 0: never)

-- A write that takes no memory, and changes nothing: a server at its maxmemory refuses the others to a script that has not begun to write,
-- and without the sweeper's runs nothing would ever be freed.
redis.call('PERSIST', KEYS[1])

local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local last = tonumber(redis.call('HGET', KEYS[1], 'last') or now)
if now - last > tonumber(ARGV[2]) then
	redis.call('HSET', KEYS[1], 'resumed', string.format('%.0f', now))
end
redis.call('HSET', KEYS[1], 'last', string.format('%.0f', math.max(now, last)))
return { string.format('%.0f', now), redis.call('HGET', KEYS[1], 'resumed') or '0' }
