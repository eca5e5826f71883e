-- Takes a task back that its worker gives back without a verdict.
--
-- ARGV 2 attempt ('' if none)
--
-- → ok, status, '1' if it changed nothing | fault

if refused then
	return refused
end
if task.status == 'PROCESSING' then
	lose()
	return save('ok\255' .. task.status .. '\2550')
end
if (task.claim or '') == '' then
	return 'ok\255PENDING\2551'
end
-- Its 202 may still be on the way to us: whatever it says, this hand-over is over.
set('claim', '')
set('claimUntil', '0')
set('fate', 'unknown')
set('nextTry', NOW_TEXT)
return save('ok\255PENDING\2551')
