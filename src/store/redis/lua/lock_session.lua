-- KEYS session
strip(KEYS[1])
local session = redis.call('HGET', KEYS[1], 's')
if session then redis.call('HSET', KEYS[1], 's', stale(session)) end
return 1
