-- KEYS from, to, revoked  ARGV from id, to id, beginning of index keys, channel, now
lapse(KEYS[1], ARGV[5])
lapse(KEYS[2], ARGV[5])
-- Two requests may follow the same change: what the first moved is not there for the second.
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
wipe(KEYS[2])
local ttl = redis.call('PTTL', KEYS[1])
local fields = redis.call('HGETALL', KEYS[1])
for i = 1, #fields, 2 do
  local field, value = fields[i], fields[i + 1]
  if field == 'r' then
    local there = redis.call('HGET', KEYS[2], 'r')
    if not there or millis(there, 1) < millis(value, 1) then
      redis.call('HSET', KEYS[2], 'r', value)
    end
    revoke(ARGV[2], KEYS[3], ARGV[4], value)
  elseif string.sub(field, 1, 2) == 'x:' or field == 'e' or field == 'w' then
    redis.call('HSET', KEYS[2], field, value)
  elseif field == 'l' then
    redis.call('HSET', KEYS[2], field, value)
    redis.call('ZADD', chain(KEYS[1]), ARGV[5], ARGV[2])
  elseif field ~= 'p' then
    redis.call('HSET', KEYS[2], field, string.sub(value, 1, 2) .. ARGV[2] .. string.sub(value, 35))
    if field == 's' then
      local index = ARGV[3] .. owner_of(value)
      local score = redis.call('ZSCORE', index, ARGV[1])
      if score then
        redis.call('ZREM', index, ARGV[1])
        redis.call('ZADD', index, score, ARGV[2])
      end
    end
  end
end
if #fields > 0 and ttl > 0 then keep(KEYS[2], ttl) end
wipe(KEYS[1])
return 1
