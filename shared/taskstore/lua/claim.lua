-- Claims the next hand-over of a PENDING task whose next try is due.
--
-- ARGV 2 nonce  3 length of the claim (ms)
--
-- → ok, attempt, index of the worker to ask first, tries so far, the user, the copy's key, contentType, size, sha256, name, the formats,
--   the traceparent of the create
--   | no (another dispatcher has it, or it is not due, or no longer PENDING)

if task.status ~= 'PENDING' or num('claimUntil') > NOW or num('nextTry') > NOW then
	return 'no'
end
local worker = claim(ARGV[2], tonumber(ARGV[3]))
return save('ok\255' .. table.concat({
	task.attempt, worker, task.tries, task.user, task.key, task.inputType, task.inputSize, task.inputSHA256, task.inputName, task.formats or '',
	task.trace or '',
}, '\255'))
