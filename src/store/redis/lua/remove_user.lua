-- KEYS users, aliases, names, last TOTP step  ARGV id
for name in string.gmatch(redis.call('HGET', KEYS[3], ARGV[1]) or '', '[^\n]+') do
  if redis.call('HGET', KEYS[2], name) == ARGV[1] then redis.call('HDEL', KEYS[2], name) end
end
redis.call('HDEL', KEYS[3], ARGV[1])
redis.call('DEL', KEYS[4])
return redis.call('HDEL', KEYS[1], ARGV[1])
