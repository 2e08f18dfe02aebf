-- KEYS users, names
-- Returns id, record, aliases, id, record, aliases…
local answer = {}
local users = redis.call('HGETALL', KEYS[1])
for i = 1, #users, 2 do
  answer[#answer + 1] = users[i]
  answer[#answer + 1] = users[i + 1]
  answer[#answer + 1] = redis.call('HGET', KEYS[2], users[i]) or ''
end
return answer
