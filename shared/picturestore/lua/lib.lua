-- What every script of package picturestore begins with. A script runs alone: what it reads stays true until it ends. The
-- client re-sends one whose reply was lost, so each answers a second run as the first.
--
-- KEYS  1 the picture's record  2 the user's index  3 trash  4 who deleted the picture
-- ARGV  1 user  2 the picture's id                             (then the script's own)
--
-- A record's state is `uploading` from being announced until its object has been checked, and `ready` then, which it
-- stays. Only ready ones are in the index, and only they exist for anybody else.
--
-- → ok | the fields of a ready record | fault, its code

local RECORD, INDEX, TRASH, DELETED = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local USER, ID = ARGV[1], ARGV[2]

-- Redis' clock is the one clock of all functions.
local t = redis.call('TIME')
local NOW = t[1] * 1000 + math.floor(t[2] / 1000)

local function text(n) return string.format('%.0f', n) end

local OK = { 'ok' }
local function fault(code) return { 'fault', code } end

-- The state of the user's record, nil where there is none.
local function present()
	local got = redis.call('HMGET', RECORD, 'user', 'state')
	return got[1] == USER and got[2] or nil
end

-- discard_at has an object deleted at that time (ms), and once more later.
local function discard_at(key, first, second)
	redis.call('ZADD', TRASH, text(first), '1 ' .. key)
	redis.call('ZADD', TRASH, text(second), '2 ' .. key)
end

-- discard_staged has a staged object deleted now. The second deletion, when no PUT to its URL can be running any more,
-- stays as Announce has set it.
local function discard_staged(key)
	redis.call('ZADD', TRASH, text(NOW), '1 ' .. key)
end
