-- compact gives back what Redis set aside for the growth of the events' stream: a node of 4 KB (STREAM_LISTPACK_MAX_PRE_ALLOCATE in
-- its t_stream.c) for one or two of events, which grow no more and are kept for weeks. A server that can't leaves it as it is.
local function compact()
	local whole = redis.pcall('DUMP', EVENTS)
	if type(whole) == 'string' then
		redis.pcall('RESTORE', EVENTS, 0, whole, 'REPLACE')
	end
end
