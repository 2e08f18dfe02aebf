-- KEYS counters  ARGV now, margin, then for each counter: limit, window (-1 for none), until
-- Returns {1, remaining}, or {0, place of the counter that is used up, until (-1 for none)}.
local now = tonumber(ARGV[1])
local counts = {}
for i, key in ipairs(KEYS) do
  local limit, window = tonumber(ARGV[3 * i]), tonumber(ARGV[3 * i + 1])
  local there = redis.call('HMGET', key, 'c', 'u')
  local count, until_ = tonumber(there[1] or 0), tonumber(there[2] or -1)
  if window < 0 then until_ = -1 end
  if until_ >= 0 and until_ <= now then count = 0 end
  if count >= limit then return {0, i, until_} end
  counts[i] = count
end
local remaining = -1
for i, key in ipairs(KEYS) do
  local limit, window = tonumber(ARGV[3 * i]), tonumber(ARGV[3 * i + 1])
  if window < 0 then
    redis.call('HSET', key, 'c', counts[i] + 1)
    redis.call('HDEL', key, 'u')
    redis.call('PERSIST', key)
  else
    redis.call('HSET', key, 'c', counts[i] + 1)
    if counts[i] == 0 or redis.call('HEXISTS', key, 'u') == 0 then
      redis.call('HSET', key, 'u', ARGV[3 * i + 2])
      redis.call('PEXPIRE', key, string.format('%.0f', window + tonumber(ARGV[2])))
    end
  end
  local left = limit - counts[i] - 1
  if remaining < 0 or left < remaining then remaining = left end
end
return {1, remaining}
