-- KEYS session  ARGV beginning of index keys
for _, key in ipairs(every_value(KEYS[1])) do
  local session = redis.call('HGET', key, 's')
  if session then redis.call('ZREM', ARGV[1] .. string.sub(session, 94), id_of(key)) end
  wipe(key)
end
return 1
