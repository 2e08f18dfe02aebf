-- KEYS session, revoked  ARGV parts, channel
if redis.call('HEXISTS', KEYS[1], 's') == 0 then return 0 end
redis.call('HSET', KEYS[1], 'p', ARGV[1])
local revoked = redis.call('HGET', KEYS[1], 'r')
if revoked then revoke(ARGV[1], KEYS[2], ARGV[2], revoked) end
return 1
