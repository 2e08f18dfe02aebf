-- KEYS users, aliases, names  ARGV id or alias
local id = ARGV[1]
local record = redis.call('HGET', KEYS[1], id)
if not record then
  id = redis.call('HGET', KEYS[2], id)
  record = id and redis.call('HGET', KEYS[1], id)
end
if not record then return {} end
return {id, record, redis.call('HGET', KEYS[3], id) or ''}
