-- Forgets an announced picture whose staged object is none.
--
-- ARGV  3 key of the staged object

if present() == 'uploading' then
	redis.call('DEL', RECORD)
	discard_staged(ARGV[3])
end
return OK
