-- KEYS approval, open approvals  ARGV decision, id
-- Of two decisions at once, one counts.
if redis.call('HEXISTS', KEYS[1], 'q') == 0 then return 0 end
if redis.call('HSETNX', KEYS[1], 'd', ARGV[1]) == 0 then return 0 end
redis.call('ZREM', KEYS[2], ARGV[2])
return 1
