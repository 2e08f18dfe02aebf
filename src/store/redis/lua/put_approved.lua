-- KEYS session, approval
-- ARGV field of the waiting grant, the waiting grant, field of the grant, grant, field of the action's last grant
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
if string.sub(redis.call('HGET', KEYS[2], 'd') or '', 3, 3) ~= 'a' then return 0 end
-- It may wait under several values of the session's cookie.
if redis.call('HSETNX', KEYS[2], 'u', '1') == 0 then return 0 end
redis.call('HDEL', KEYS[1], ARGV[1])
redis.call('HSET', KEYS[1], ARGV[3], ARGV[4], ARGV[5], ARGV[4])
return 1
