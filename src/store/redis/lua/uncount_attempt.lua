-- KEYS counters
for _, key in ipairs(KEYS) do
  if tonumber(redis.call('HGET', key, 'c') or 0) > 0 then redis.call('HINCRBY', key, 'c', -1) end
end
return 1
