-- Takes a task back that its worker gives back without a verdict.
--
-- ARGV 2 attempt ('' if none)
--
-- → ok, status, '1' if it changed nothing | fault

local refused = judge(ARGV[2])
if refused then
	return refused
end
if task.status == 'PROCESSING' then
	lose()
	return save(words('ok', task.status, '0'))
end
if (task.claim or '') == '' then
	return words('ok', 'PENDING', '1')
end
-- Its 202 may still be on the way to us: whatever it says, this hand-over is over.
set('claim', '')
set('claimUntil', '0')
set('fate', 'unknown')
set('nextTry', NOW_TEXT)
return save(words('ok', 'PENDING', '1'))
