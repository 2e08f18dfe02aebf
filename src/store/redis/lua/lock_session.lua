-- KEYS session
for _, key in ipairs(every_value(KEYS[1])) do
  strip(key)
  local session = redis.call('HGET', key, 's')
  if session then redis.call('HSET', key, 's', stale(session)) end
end
return 1
