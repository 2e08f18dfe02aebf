-- KEYS session, index of the subject, (replaced session)
-- ARGV session record, keep, id, score, now
if KEYS[3] then wipe(KEYS[3]) end
lapse(KEYS[1], ARGV[5])
wipe(KEYS[1])
redis.call('HSET', KEYS[1], 's', ARGV[1])
keep(KEYS[1], ARGV[2])
enlist(KEYS[2], ARGV[3], ARGV[4], ARGV[5], ARGV[2])
return 1
