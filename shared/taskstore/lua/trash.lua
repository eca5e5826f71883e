-- trash has an object deleted now, and again when the last URL to it has run out.
local function trash(key)
	call('ZADD', TRASH, NOW_TEXT, '1 ' .. key, format('%d', NOW + URL_LIFE), '2 ' .. key)
end
