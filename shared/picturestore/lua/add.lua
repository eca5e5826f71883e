-- Makes a picture's record, or an announced one ready, and claims its objects.
--
-- ARGV  3 the state that the record must be in ('': no record)  4 how long (ms) the objects must still have been kept
--       5, 6 keys of the picture's objects  7 key of the staged one  8… names and values of the record's fields

local state = present()
if state == 'ready' then
	return redis.call('HGETALL', RECORD) -- a rerun, or another call was first
end
if (state or '') ~= ARGV[3] then
	return fault('picture_not_found')
end
for i = 5, 6 do
	local kept = tonumber(redis.call('ZSCORE', TRASH, '1 ' .. ARGV[i]) or '0')
	if kept <= NOW + tonumber(ARGV[4]) then
		return fault('unavailable') -- its deletion is due, or done
	end
end

redis.call('DEL', RECORD)
redis.call('HSET', RECORD, 'state', 'ready', 'createdAt', text(NOW), unpack(ARGV, 8))
redis.call('ZADD', INDEX, text(NOW), ID)
for i = 5, 6 do
	redis.call('ZREM', TRASH, '1 ' .. ARGV[i], '2 ' .. ARGV[i])
end
if state then
	discard_staged(ARGV[7])
end
return redis.call('HGETALL', RECORD)
