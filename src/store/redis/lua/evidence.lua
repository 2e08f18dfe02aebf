-- KEYS session  ARGV now, browser key, how many claims, then fields: s r v, grants, claims last
-- Returns what HMGET would; the claims are taken if all may be, else they are returned as nil.
local key = KEYS[1]
local answer = redis.call('HMGET', key, unpack(ARGV, 4))
local first = #answer - tonumber(ARGV[3]) + 1
local now = tonumber(ARGV[1])
local whole = not (answer[2] and millis(answer[2], 1) > now)
for i = first, #answer do
  local grant = answer[i]
  whole = whole and grant and string.sub(grant, 35, 66) == ARGV[2] and millis(grant, 67) > now
end
-- Taken under one value of the cookie, a claim is taken under all.
local values = whole and #answer >= first and every_value(key)
for i = first, #answer do
  if whole then
    local grant = answer[i]
    redis.call('HSET', key, 'x:' .. string.sub(grant, 75, 90), string.sub(grant, 67, 74))
    redis.call('HDEL', key, ARGV[i + 3])
    for n = 2, #values do
      local there = redis.call('HGET', values[n], ARGV[i + 3])
      if there and string.sub(there, 75, 90) == string.sub(grant, 75, 90) then
        redis.call('HDEL', values[n], ARGV[i + 3])
      end
    end
  else
    answer[i] = false
  end
end
return answer
