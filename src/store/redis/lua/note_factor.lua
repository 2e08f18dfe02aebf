-- KEYS factors  ARGV factor, keep
redis.call('SADD', KEYS[1], ARGV[1])
keep(KEYS[1], ARGV[2])
return redis.call('SMEMBERS', KEYS[1])
