-- KEYS name  ARGV value, keep
local added = redis.call('SADD', KEYS[1], ARGV[1])
keep(KEYS[1], ARGV[2])
return added
