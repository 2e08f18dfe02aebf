-- KEYS session, endings  ARGV channel
local ids = ''
for _, key in ipairs(every_value(KEYS[1])) do
  strip(key)
  local session = redis.call('HGET', key, 's')
  if session then redis.call('HSET', key, 's', stale(session)) end
  ids = ids .. ids_of(key)
end
ended(ids, KEYS[2], ARGV[1], 'l')
return 1
