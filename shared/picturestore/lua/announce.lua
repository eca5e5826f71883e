-- Records that a picture is about to be uploaded. The record and the staged object go when nobody completes it.
--
-- ARGV  3 key of the staged object  4 how long (ms) until no PUT can be running any more  5 how long (ms) after that it is
--       deleted again  6… names and values of the record's fields

local wait = tonumber(ARGV[4])
redis.call('HSET', RECORD, 'state', 'uploading', unpack(ARGV, 6))
redis.call('PEXPIRE', RECORD, text(wait))
discard_at(ARGV[3], NOW + wait, NOW + wait + tonumber(ARGV[5]))
return OK
