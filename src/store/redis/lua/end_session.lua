-- KEYS session, endings  ARGV beginning of index keys, channel
local ids, known = '', false
for _, key in ipairs(every_value(KEYS[1])) do
  local session = redis.call('HGET', key, 's')
  if session then redis.call('ZREM', ARGV[1] .. owner_of(session), id_of(key)) end
  known = known or session
  ids = ids .. ids_of(key)
  wipe(key)
end
ended(ids, KEYS[2], ARGV[2], known and 'o' or 'u')
return 1
