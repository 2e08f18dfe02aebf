-- KEYS session  ARGV id of the other
local list = chain(KEYS[1])
return list and redis.call('ZSCORE', list, ARGV[1]) and 1 or 0
