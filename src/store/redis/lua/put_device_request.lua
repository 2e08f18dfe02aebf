-- KEYS session, request, index of the subject
-- ARGV now, session record if there is none yet, field of what waits, what waits, keep of the session,
--      request, its keep, score, id
local key = KEYS[1]
lapse(key, ARGV[1])
if redis.call('HEXISTS', key, 'r') == 1 then return 0 end
if redis.call('HSETNX', KEYS[2], 'q', ARGV[6]) == 0 then return 0 end
redis.call('PEXPIRE', KEYS[2], ARGV[7])
local session = redis.call('HGET', key, 's')
if not session or owner_of(session) ~= owner_of(ARGV[2]) then
  -- There is no record, or one of another subject: start with a new one.
  wipe(key)
  redis.call('HSET', key, 's', ARGV[2])
end
redis.call('HSET', key, ARGV[3], ARGV[4])
keep_session(key, ARGV[5])
enlist(KEYS[3], ARGV[9], ARGV[8], ARGV[1], ARGV[5])
return 1
