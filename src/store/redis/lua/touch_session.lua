-- KEYS session  ARGV now, now as eight bytes, keep, id, beginning of index keys, score
lapse(KEYS[1], ARGV[1])
local session = redis.call('HGET', KEYS[1], 's')
if not session or redis.call('HEXISTS', KEYS[1], 'r') == 1 then return 0 end
if millis(session, 35) < tonumber(ARGV[1]) then
  session = string.sub(session, 1, 34) .. ARGV[2] .. string.sub(session, 43)
  redis.call('HSET', KEYS[1], 's', session)
end
keep_session(KEYS[1], ARGV[3])
enlist(ARGV[5] .. owner_of(session), ARGV[4], ARGV[6], ARGV[1], ARGV[3])
return 1
