-- KEYS key  ARGV value
-- Deletes the key if it still holds just this.
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
