-- A result of a task, stored or reserved, is kept by its name as words: state (stored | reserved), attempt, sha256, key, and then, of a
-- reserved one, until when (ms), of a stored one size (bytes), contentType, when (ms), number of its event.

-- result reads the first five. Versions before wrote JSON, which tasks keep that were in work at the upgrade; see parseJSON.
local function result(packed)
	if string.byte(packed) == 123 then -- {
		local r = cjson.decode(packed)
		return r.state, format('%d', r.attempt), r.sha256, r.key, format('%d', r.size or r['until'])
	end
	return string.match(packed, '^([^\255]*)\255([^\255]*)\255([^\255]*)\255([^\255]*)\255([^\255]*)')
end
