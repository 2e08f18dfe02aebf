-- KEYS session  ARGV field, grant, taken field
-- Only what was taken and not forgotten since; a newer grant in its place stays.
if redis.call('HDEL', KEYS[1], ARGV[3]) == 1 then
  redis.call('HSETNX', KEYS[1], ARGV[1], ARGV[2])
end
return 1
