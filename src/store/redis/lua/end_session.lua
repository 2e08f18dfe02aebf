-- KEYS session  ARGV id, beginning of index keys
local session = redis.call('HGET', KEYS[1], 's')
if session then redis.call('ZREM', ARGV[2] .. string.sub(session, 94), ARGV[1]) end
wipe(KEYS[1])
return 1
