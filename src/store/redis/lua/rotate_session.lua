-- KEYS from, to, revoked
-- ARGV from id, to id, beginning of index keys, channel, now, grace, what is kept,
--      most values, most names
-- Returns 0 if `from` does not exist, 2 if `to` exists already and is unchanged, else 1.
local from, to, list = KEYS[1], KEYS[2], nil
lapse(from, ARGV[5])
lapse(to, ARGV[5])
local revoked = redis.call('HGET', from, 'r')
if revoked then
  local there = redis.call('HGET', to, 'r')
  if not there or millis(there, 1) < millis(revoked, 1) then
    redis.call('HSET', to, 'r', revoked)
    keep(to, redis.call('PTTL', from))
  end
  revoke(ARGV[2], KEYS[3], ARGV[4], revoked)
end
local session = redis.call('HGET', from, 's')
if not session then return 0 end
if redis.call('HEXISTS', to, 's') == 1 then return 2 end

local ttl = redis.call('PTTL', from)
list = chain(from)
if list then
  ttl = math.max(ttl, redis.call('PTTL', list))
else
  redis.call('HSET', from, 'l', ARGV[1])
  list = chain(from)
  redis.call('ZADD', list, ARGV[5], ARGV[1])
end

local all = ARGV[7] == 'all' or (ARGV[7] == 'like before' and redis.call('HEXISTS', from, 'w') == 1)
if all then redis.call('HSET', to, 'w', '1') end
local fields = redis.call('HGETALL', from)
for i = 1, #fields, 2 do
  local field, value = fields[i], fields[i + 1]
  if field == 'l' then
    redis.call('HSET', to, field, value)
  elseif field == 's' then
    local kept = all and value or stale(value)
    redis.call('HSET', to, field, string.sub(kept, 1, 2) .. ARGV[2] .. string.sub(kept, 35))
  elseif all and not LASTING[field] and string.sub(field, 1, 2) ~= 'x:' then
    redis.call('HSET', to, field, string.sub(value, 1, 2) .. ARGV[2] .. string.sub(value, 35))
  end
end
keep(to, ttl)
local index = ARGV[3] .. owner_of(session)
local score = redis.call('ZSCORE', index, ARGV[1])
if score then
  redis.call('ZREM', index, ARGV[1])
else
  score = string.format('%.0f', tonumber(ARGV[5]) + ttl)
end
redis.call('ZADD', index, score, ARGV[2])

redis.call('ZADD', list, ARGV[5], ARGV[2])
keep(list, ttl)
if redis.call('HSETNX', from, 'e', '1') == 1 then
  redis.call('PEXPIRE', from, math.min(ttl, math.max(tonumber(ARGV[6]), 1)))
end
-- The oldest hold nothing any more, and the oldest of those are forgotten.
local over = redis.call('ZCARD', list) - tonumber(ARGV[8])
for _, id in ipairs(over > 0 and redis.call('ZRANGE', list, over - 1, over - 1) or {}) do
  local old = sibling(from, id)
  if redis.call('HEXISTS', old, 'r') == 0 then redis.call('DEL', old) end
end
redis.call('ZREMRANGEBYRANK', list, 0, -1 - tonumber(ARGV[9]))
return 1
