-- A task's results, stored and reserved, by name: state (stored | reserved), attempt, sha256, key, and then, of a reserved one, until
-- when (ms), of a stored one size (bytes), contentType, when (ms), number of its event.

-- trash_results has the objects of all results deleted.
local function trash_results()
	local results = call('HVALS', RESULTS)
	for i = 1, #results do
		local key = string.match(results[i], '^[^\255]*\255[^\255]*\255[^\255]*\255([^\255]*)')
		trash(key or cjson.decode(results[i]).key) -- JSON: of before, see parseJSON
	end
	call('DEL', RESULTS)
end
