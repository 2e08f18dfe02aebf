-- KEYS open approvals  ARGV now, how many to skip, most, beginning of the keys of approvals
-- Returns id, what is asked, id, what is asked…; the newest are those that end last.
local answer = {}
for _, id in ipairs(redis.call('ZRANGE', KEYS[1], '+inf', '(' .. ARGV[1], 'BYSCORE', 'REV', 'LIMIT', ARGV[2], ARGV[3])) do
  local asked = redis.call('HGET', ARGV[4] .. '{' .. hex(id) .. '}', 'q')
  if asked then
    answer[#answer + 1] = id
    answer[#answer + 1] = asked
  end
end
return answer
