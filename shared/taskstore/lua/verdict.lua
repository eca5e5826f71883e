-- Takes a worker's word that it has finished.
--
-- ARGV 2 attempt ('' if none)  3 status (completed | failed)
--      of failed: 4 code and 5 message of the error; of completed: 4… the names of the required results
--
-- → ok, status, '1' if it changed nothing | fault

local becomes = ARGV[3] == 'completed' and 'COMPLETED' or 'FAILED'
if task.status == becomes and (ARGV[2] == '' or ARGV[2] == task.attempt) then
	return words('ok', becomes, '1')
end
local refused = judge(ARGV[2])
if refused then
	return refused
end

-- taken is the move that a lost 202 did not make.
local function taken()
	if task.status == 'PENDING' then
		move('PROCESSING')
	end
end

if becomes == 'FAILED' then
	taken()
	finish('FAILED', ARGV[4], ARGV[5])
	compact()
	return save('ok\255FAILED\2550')
end

if #ARGV > 3 then
	local results, missing = call('HMGET', RESULTS, unpack(ARGV, 4)), {}
	for i = 4, #ARGV do
		local r = results[i - 3]
		if not r or result(r) ~= 'stored' then
			missing[#missing + 1] = ARGV[i]
		end
	end
	if #missing > 0 then
		return words('fault', 'results_missing', unpack(missing))
	end
end
taken()
finish('COMPLETED')
compact()
return save('ok\255COMPLETED\2550')
