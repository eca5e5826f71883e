-- Deletes a picture: its record at once, its objects by way of the trash.
--
-- ARGV  3 how long (ms) a URL to its objects may still work  4 nonce of this call  5 how long (ms) it is remembered

if redis.call('GET', DELETED) == ARGV[4] then
	return OK -- a rerun
end
if present() ~= 'ready' then
	return fault('picture_not_found')
end
for _, key in ipairs(redis.call('HMGET', RECORD, 'key', 'thumbnailKey')) do
	discard_at(key, NOW, NOW + tonumber(ARGV[3]))
end
redis.call('DEL', RECORD)
redis.call('ZREM', INDEX, ID)
redis.call('SET', DELETED, ARGV[4], 'PX', ARGV[5])
return OK
