-- Allows an offered result to be put to its staging key. What is put there and never claimed is in the trash.
--
-- ARGV 6 how long the PUT URL lives (ms)
--
-- → ok | duplicate, size | fault

if refused then
	return refused
end
call('ZADD', TRASH, format('%d', NOW + ARGV[6] + URL_LIFE), '2 ' .. key)
accept()
return save('ok')
