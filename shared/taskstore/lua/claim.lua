-- Claims the next hand-over of a PENDING task whose next try is due.
--
-- ARGV nonce, length of the claim (ms)
--
-- → ok, attempt, index of the worker to ask first, tries so far, the user, the copy's key, contentType, size, sha256, name, the formats
--   | no (another dispatcher has it, or it is not due, or no longer PENDING)

load()
local again = replayed()
if again then
	return again
end
if not exists or task.status ~= 'PENDING' or num('claimUntil') > NOW or num('nextTry') > NOW then
	return { 'no' }
end
local worker = claim(ARGV[ARG], tonumber(ARGV[ARG + 1]))
return save({ 'ok', text(num('attempt')), text(worker), text(num('tries')), task.user, task.key, task.inputType, task.inputSize, task.inputSHA256, task.inputName, task.formats or '' })
