-- Records a result whose object is in its place.
--
-- ARGV 6 size (bytes)  7 contentType
--
-- → ok | duplicate, size | fault

if refused then
	if string.sub(refused, 1, 6) == 'fault\255' and refused ~= 'fault\255result_conflict' then
		trash(key) -- the object was written for a task that ended, was taken over or was deleted meanwhile
		if known then
			call('HDEL', RESULTS, name)
		end
	end
	return refused
end
local size, content_type = ARGV[6], ARGV[7]
accept()
local n = append(
	'result',
	'\255name\255' .. name .. '\255key\255' .. key .. '\255size\255' .. size .. '\255sha256\255' .. sha256 .. '\255contentType\255' .. content_type,
	'name', name, 'key', key, 'size', size, 'sha256', sha256, 'contentType', content_type
)
call(
	'HSET', RESULTS, name,
	'stored\255' .. number .. '\255' .. sha256 .. '\255' .. key .. '\255' .. size .. '\255' .. content_type .. '\255' .. NOW_TEXT .. '\255' .. n
)
return save('ok')
