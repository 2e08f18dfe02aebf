-- KEYS session, revoked  ARGV now, until, until as eight bytes, keep, channel
-- Returns the ids of all that is revoked: every value of the cookie, and the parts of each.
lapse(KEYS[1], ARGV[1])
local ids = ''
for _, key in ipairs(every_value(KEYS[1])) do
  strip(key)
  local there = redis.call('HGET', key, 'r')
  if not there or millis(there, 1) < tonumber(ARGV[2]) then
    redis.call('HSET', key, 'r', ARGV[3])
    redis.call('PEXPIRE', key, ARGV[4])
  end
  ids = ids .. ids_of(key)
end
revoke(ids, KEYS[2], ARGV[5], ARGV[3])
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', ARGV[1])
return ids
