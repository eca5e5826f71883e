-- Records a task whose id was reserved and whose copy of the picture is in its place, and claims its first hand-over.
--
-- KEYS IDEMPOTENCY only where there is an Idempotency-Key
-- ARGV 2 the user  3 prefix of the user's keys  4 the picture's id  5 the copy's key  6 contentType  7 size  8 sha256  9 name of the picture
--      10 nonce and 11 length (ms; 0: none) of the claim  12 index of the first worker  13 the formats that are wanted beside the
--      usual results  14 the traceparent of the create ('': it is not traced)
--
-- → ok, '1' if the caller has the claim, attempt, status

if task.status then
	return 'ok\2550\255' .. task.attempt .. '\255' .. task.status -- a retry took the reservation up and was faster
end

local kept = tonumber(call('ZSCORE', ACTIVE, ID) or '0')
if kept <= NOW then
	return 'fault\255unavailable' -- the reservation lapsed: the copy is about to be deleted
end
setmetatable(task, nil) -- there is nothing more to be read of it
local copy, length = ARGV[5], tonumber(ARGV[11])
-- What hand-overs and callbacks ask for comes first: so small a hash is a list, which Redis searches from its beginning, and for what
-- is not there to its end.
call(
	'HSET', TASK, 'op', '', 'status', '', 'attempt', '0', 'runSince', '', 'ran', '', 'lease', '', 'updatedAt', '', 'progressAt', '', 'beats', '', 'events', '',
	'claim', '', 'claimUntil', '0', 'stage', '', 'startedAt', '', 'reachedAttempt', '', 'reached', '0', 'userKey', ARGV[3], 'id', ID, 'user', ARGV[2], 'imageId', ARGV[4], 'key', copy, 'inputType', ARGV[6], 'inputSize', ARGV[7], 'inputSHA256', ARGV[8],
	'inputName', ARGV[9], 'createdAt', NOW_TEXT, 'formats', ARGV[13]
)
task.attempt = '0'
set('nextWorker', ARGV[12])
if ARGV[14] ~= '' then
	set('trace', ARGV[14])
end
call('ZREM', TRASH, '1 ' .. copy, '2 ' .. copy)
call('ZADD', TASKS, 0, ID)
call('ZADD', ACTIVE, '+inf', ID)
if IDEMPOTENCY then
	call('HSET', IDEMPOTENCY, 'done', '1')
end
move('PENDING')
set('fate', '')
if length > 0 then
	claim(ARGV[10], length)
	set('firstClaim', ARGV[10]) -- while it is held, the create is still being answered
end
return save(length > 0 and 'ok\2551\2551\255PENDING' or 'ok\2550\2550\255PENDING')
