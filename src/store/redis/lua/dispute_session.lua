-- KEYS session, endings  ARGV record of the disputed session, keep, now, channel
lapse(KEYS[1], ARGV[3])
local ids = ''
for _, key in ipairs(every_value(KEYS[1])) do
  strip(key)
  local session = redis.call('HGET', key, 's')
  if session then
    redis.call('HSET', key, 's', string.sub(stale(session), 1, 93) .. string.sub(ARGV[1], 94))
  end
  ids = ids .. ids_of(key)
end
if redis.call('HSETNX', KEYS[1], 's', ARGV[1]) == 1 then keep(KEYS[1], ARGV[2]) end
ended(ids, KEYS[2], ARGV[4], 'l')
return 1
