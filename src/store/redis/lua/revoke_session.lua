-- KEYS session, revoked  ARGV now, until, until as eight bytes, keep, id, channel
lapse(KEYS[1], ARGV[1])
strip(KEYS[1])
local there = redis.call('HGET', KEYS[1], 'r')
if not there or millis(there, 1) < tonumber(ARGV[2]) then
  redis.call('HSET', KEYS[1], 'r', ARGV[3])
  redis.call('PEXPIRE', KEYS[1], ARGV[4])
end
local parts = redis.call('HGET', KEYS[1], 'p') or ''
revoke(ARGV[5] .. parts, KEYS[2], ARGV[6], ARGV[3])
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', ARGV[1])
return parts
