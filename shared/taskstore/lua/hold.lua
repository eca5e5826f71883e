-- Judges an offered result, and reserves its name before its object is written, so that of two with other bytes only one is. The
-- reservation lasts longer than any function lives, so that its holder can't write after it.
--
-- ARGV 6 step (judge | reserve | release)  7 of reserve: how long (ms)
--
-- → ok | duplicate, size | fault

if ARGV[6] == 'release' then
	if known and state == 'reserved' and sum == sha256 then
		-- It lapses, and is not forgotten: a second writer of the same bytes may be about to put the object there, which goes with the task.
		call('HSET', RESULTS, name, 'reserved\255' .. number .. '\255' .. sha256 .. '\255' .. key .. '\2550')
	end
	return 'ok'
end
if refused then
	return refused
end
if ARGV[6] == 'reserve' then
	call('HSET', RESULTS, name, 'reserved\255' .. number .. '\255' .. sha256 .. '\255' .. key .. '\255' .. format('%d', NOW + ARGV[7]))
end
return 'ok'
