-- trash_results has the objects of all results, stored and reserved, deleted.
local function trash_results()
	local results = call('HVALS', RESULTS)
	for i = 1, #results do
		local _, _, _, key = result(results[i])
		trash(key)
	end
	call('DEL', RESULTS)
end
