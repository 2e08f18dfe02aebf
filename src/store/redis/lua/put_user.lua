-- KEYS users, aliases, names  ARGV id, record, aliases
-- `names` keeps the aliases of each id, one to a line.
local id = ARGV[1]
local function cut(owner, alias)
  local rest = {}
  for name in string.gmatch(redis.call('HGET', KEYS[3], owner) or '', '[^\n]+') do
    if name ~= alias then rest[#rest + 1] = name end
  end
  redis.call('HSET', KEYS[3], owner, table.concat(rest, '\n'))
end
for name in string.gmatch(redis.call('HGET', KEYS[3], id) or '', '[^\n]+') do
  if redis.call('HGET', KEYS[2], name) == id then redis.call('HDEL', KEYS[2], name) end
end
local names = {}
for i = 3, #ARGV do
  local owner = redis.call('HGET', KEYS[2], ARGV[i])
  if owner and owner ~= id then cut(owner, ARGV[i]) end
  redis.call('HSET', KEYS[2], ARGV[i], id)
  names[#names + 1] = ARGV[i]
end
redis.call('HSET', KEYS[1], id, ARGV[2])
redis.call('HSET', KEYS[3], id, table.concat(names, '\n'))
return 1
