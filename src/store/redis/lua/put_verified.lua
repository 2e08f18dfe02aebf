-- KEYS session, answered, index of the subject, approval, open approvals, ends of what it rests on, sessions in
--      which something must wait, counters to clear
-- ARGV now, keep of the challenge, keep of the session, presented and renewed browser key,
--      session record if there is none yet, mark ('' for none), grant field, grant ('' for none), field of the
--      action's last grant (that of the grant itself if it waits), score, id, how many ends, the time that they must
--      be before, the fields of what must wait, request for approval ('' for none), its keep, its end, its id
local ends, waits = tonumber(ARGV[13]), #ARGV[15] / 34
local function waiting(number)
  return KEYS[5 + ends + number], string.sub(ARGV[15], 34 * number - 33, 34 * number)
end
for number = 1, waits do
  local there, field = waiting(number)
  lapse(there, ARGV[1])
  local what = redis.call('HGET', there, field)
  -- Its key may outlive it.
  if not what or millis(what, 67) <= tonumber(ARGV[1]) then return 0 end
  if redis.call('HEXISTS', there, 'r') == 1 then return 0 end
end
for i = 6, 5 + ends do
  for _, at in ipairs(redis.call('SMEMBERS', KEYS[i])) do
    if millis(at, 1) >= tonumber(ARGV[14]) then return 0 end
  end
end
if not redis.call('SET', KEYS[2], '1', 'NX', 'PX', ARGV[2]) then return 0 end
for i = 6 + ends + waits, #KEYS do redis.call('DEL', KEYS[i]) end
for number = 1, waits do redis.call('HDEL', waiting(number)) end

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
  elseif not LASTING[field] then
    if string.sub(value, 35, 66) == presented and (field == 'v' or millis(value, 67) > now) then
      redis.call('HSET', key, field, string.sub(value, 1, 34) .. renewed .. string.sub(value, 67))
    else
      redis.call('HDEL', key, field)
    end
  end
end
if ARGV[7] ~= '' then redis.call('HSET', key, 'v', ARGV[7]) end
if ARGV[9] ~= '' then redis.call('HSET', key, ARGV[8], ARGV[9], ARGV[10], ARGV[9]) end
keep_session(key, ARGV[3])
if ARGV[16] ~= '' then
  redis.call('HSET', KEYS[4], 'q', ARGV[16])
  redis.call('PEXPIRE', KEYS[4], ARGV[17])
  redis.call('ZADD', KEYS[5], ARGV[18], ARGV[19])
  redis.call('ZREMRANGEBYSCORE', KEYS[5], '-inf', ARGV[1])
  keep(KEYS[5], ARGV[17])
end
enlist(KEYS[3], ARGV[12], ARGV[11], ARGV[1], ARGV[3])
return 1
