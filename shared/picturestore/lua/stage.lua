-- Puts objects into the trash that are about to be written, unless the picture is recorded.
--
-- ARGV  3 the state that the record must be in ('': no record)  4 how long (ms) the objects may wait to be claimed
--       5 how long (ms) after that they are deleted again  6… keys of the objects

local state = present()
if state == 'ready' then
	return redis.call('HGETALL', RECORD)
end
if (state or '') ~= ARGV[3] then
	return fault('picture_not_found')
end
local first = NOW + tonumber(ARGV[4])
for i = 6, #ARGV do
	discard_at(ARGV[i], first, first + tonumber(ARGV[5]))
end
return OK
