-- Takes a worker's word that it works.
--
-- ARGV 2 attempt ('' if none)  3 progress  4 stage  5 queuePosition  6 etaSeconds ('' where absent)
--
-- → ok, status, '1' if it changed nothing | fault

if refused then
	return refused
end
accept()
local stage = ARGV[4]
if stage ~= '' then
	if stage == 'queued' and num('runSince') > 0 then
		stop_clock()
	elseif stage ~= 'queued' and num('runSince') == 0 then
		set('runSince', NOW_TEXT)
	end
	set('stage', stage)
end
if ARGV[3] ~= '' then
	set('progress', ARGV[3])
end
set('queuePosition', ARGV[5])
set('etaSeconds', ARGV[6])
set('progressAt', NOW_TEXT)
set('beats', task.attempt)
call(
	'PUBLISH', 'recon:events:' .. ID,
	'0\255kind\255progress\255attempt\255' .. task.attempt .. '\255at\255' .. NOW_TEXT .. '\255progress\255' .. (task.progress or '0')
		.. '\255stage\255' .. (task.stage or '') .. '\255queuePosition\255' .. ARGV[5] .. '\255etaSeconds\255' .. ARGV[6]
)
return save('ok\255PROCESSING\2550')
