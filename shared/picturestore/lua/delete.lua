-- Deletes a picture: its record at once, its objects by way of the trash.
--
-- ARGV  3 how long (ms) a URL to its objects may still work  4 nonce of this call  5 how long (ms) it is remembered

if redis.call('GET', DELETED) == ARGV[4] then
	return OK -- a rerun
end
if present() ~= 'ready' then
	return fault('picture_not_found')
end
local objects = redis.call('HMGET', RECORD, 'key', 'thumbnailKey')
-- What frees memory comes first: a server at its maxmemory refuses what may take some, but not to a script that has begun to write.
redis.call('DEL', RECORD)
redis.call('ZREM', INDEX, ID)
for _, key in ipairs(objects) do
	discard_at(key, NOW, NOW + tonumber(ARGV[3]))
end
redis.call('SET', DELETED, ARGV[4], 'PX', ARGV[5])
return OK
