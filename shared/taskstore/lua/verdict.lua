-- Takes a worker's word that it has finished.
--
-- ARGV 2 attempt ('' if none)  3 status (completed | failed)
--      of failed: 4 code and 5 message of the error; of completed: 4… the names of the required results
--
-- → ok, status, '1' if it changed nothing | fault

local becomes = ARGV[3] == 'completed' and 'COMPLETED' or 'FAILED'
if task.status == becomes and (ARGV[2] == '' or ARGV[2] == task.attempt) then
	return 'ok\255' .. becomes .. '\2551'
end
if refused then
	return refused
end

if becomes == 'COMPLETED' and #ARGV > 3 then
	local results, missing = call('HMGET', RESULTS, unpack(ARGV, 4)), {}
	for i = 4, #ARGV do
		local r = results[i - 3]
		if not r or (string.match(r, '^%l+') or result(r)) ~= 'stored' then -- its first word, unless it is JSON
			missing[#missing + 1] = ARGV[i]
		end
	end
	if #missing > 0 then
		return 'fault\255results_missing\255' .. table.concat(missing, '\255')
	end
end
if task.status == 'PENDING' then
	move('PROCESSING') -- which a lost 202 did not
end
if becomes == 'COMPLETED' then
	finish('COMPLETED')
else
	finish('FAILED', ARGV[4], ARGV[5])
end
return save('ok\255' .. becomes .. '\2550')
