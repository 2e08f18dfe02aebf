-- KEYS session, index of the subject, (replaced session)
-- ARGV session record, keep, id, score, now, (record that it may take the place of; empty: none)
-- Returns 0 if there is another.
lapse(KEYS[1], ARGV[5])
local function login(record) return string.sub(record, 52, 92) .. owner_of(record) end
local there = ARGV[6] and redis.call('HGET', KEYS[1], 's')
if there and login(there) ~= login(ARGV[6]) then return 0 end
if KEYS[3] then wipe(KEYS[3]) end
wipe(KEYS[1])
redis.call('HSET', KEYS[1], 's', ARGV[1])
keep(KEYS[1], ARGV[2])
enlist(KEYS[2], ARGV[3], ARGV[4], ARGV[5], ARGV[2])
return 1
