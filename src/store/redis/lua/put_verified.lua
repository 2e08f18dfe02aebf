-- KEYS session, answered, index of the subject, approval, open approvals, ends of what it rests on, counters to clear
-- ARGV now, keep of the challenge, keep of the session, presented and renewed browser key,
--      session record if there is none yet, mark, grant field, grant ('' for none), field of the
--      action's last grant, score, id, how many ends, the time that they must be before, request for
--      approval ('' for none; then the grant waits, and both its fields are one), its keep, its end, its id
local ends = tonumber(ARGV[13])
for i = 6, 5 + ends do
  for _, at in ipairs(redis.call('SMEMBERS', KEYS[i])) do
    if millis(at, 1) >= tonumber(ARGV[14]) then return 0 end
  end
end
if not redis.call('SET', KEYS[2], '1', 'NX', 'PX', ARGV[2]) then return 0 end
for i = 6 + ends, #KEYS do redis.call('DEL', KEYS[i]) end

local key, now, presented, renewed = KEYS[1], tonumber(ARGV[1]), ARGV[4], ARGV[5]
lapse(key, now)
local session = redis.call('HGET', key, 's')
if not session or owner_of(session) ~= owner_of(ARGV[6]) then
  -- There is no record, or one of another subject: start with a new one.
  wipe(key)
  session = ARGV[6]
elseif string.byte(session, 52) ~= 1 or string.sub(session, 53, 84) ~= presented then
  -- Another browser's: what it earned is void.
  strip(key)
  session = stale(session)
end
redis.call('HSET', key, 's', string.sub(session, 1, 51) .. '\1' .. renewed .. string.sub(session, 85))

-- Writes the new browser key into what this browser holds, and deletes what has expired.
local fields = redis.call('HGETALL', key)
for i = 1, #fields, 2 do
  local field, value = fields[i], fields[i + 1]
  if string.sub(field, 1, 2) == 'x:' then
    if millis(value, 1) <= now then redis.call('HDEL', key, field) end
  elseif not LASTING[field] and field ~= 'v' then
    if string.sub(value, 35, 66) == presented and millis(value, 67) > now then
      redis.call('HSET', key, field, string.sub(value, 1, 34) .. renewed .. string.sub(value, 67))
    else
      redis.call('HDEL', key, field)
    end
  end
end
redis.call('HSET', key, 'v', ARGV[7])
if ARGV[9] ~= '' then redis.call('HSET', key, ARGV[8], ARGV[9], ARGV[10], ARGV[9]) end
keep_session(key, ARGV[3])
if ARGV[15] ~= '' then
  redis.call('HSET', KEYS[4], 'q', ARGV[15])
  redis.call('PEXPIRE', KEYS[4], ARGV[16])
  redis.call('ZADD', KEYS[5], ARGV[17], ARGV[18])
  redis.call('ZREMRANGEBYSCORE', KEYS[5], '-inf', ARGV[1])
  keep(KEYS[5], ARGV[16])
end
enlist(KEYS[3], ARGV[12], ARGV[11], ARGV[1], ARGV[3])
return 1
