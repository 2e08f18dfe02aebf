-- What several scripts need. The places of bytes are those of store/record.rs.

-- A time written as eight bytes, big end first.
local function millis(value, at)
  local n = 0
  for i = at, at + 7 do n = n * 256 + (string.byte(value, i) or 0) end
  return n
end

-- Keeps a key for at least `ms` from now; never shortens.
local function keep(key, ms)
  if redis.call('PTTL', key) < tonumber(ms) then redis.call('PEXPIRE', key, ms) end
end

-- A session whose revocation is over is no session any more.
local function lapse(key, now)
  local revoked = redis.call('HGET', key, 'r')
  if revoked and millis(revoked, 1) <= tonumber(now) then redis.call('DEL', key) end
end

-- Forgets all that a session holds, but not that it is revoked.
local function wipe(key)
  local revoked = redis.call('HGET', key, 'r')
  local ttl = redis.call('PTTL', key)
  redis.call('DEL', key)
  if revoked then
    redis.call('HSET', key, 'r', revoked)
    if ttl > 0 then redis.call('PEXPIRE', key, ttl) end
  end
end

-- Forgets mark, grants and what was taken: all but the session, its parts and its revocation.
local function strip(key)
  for _, field in ipairs(redis.call('HKEYS', key)) do
    if field ~= 's' and field ~= 'r' and field ~= 'p' then redis.call('HDEL', key, field) end
  end
end

-- Revokes the sessions in `ids`, 32 bytes each, until a time written as eight bytes; tells everybody.
local function revoke(ids, set, channel, ends)
  for at = 1, #ids, 32 do
    local id = string.sub(ids, at, at + 31)
    redis.call('ZADD', set, 'GT', string.format('%.0f', millis(ends, 1)), id)
    redis.call('PUBLISH', channel, id .. ends)
  end
end

-- A session record that was never seen to authenticate.
local function stale(session)
  return string.sub(session, 1, 42) .. string.rep('\0', 9) .. string.sub(session, 52)
end

-- Lists a session under its subject until `score`, and drops those whose time is over.
local function enlist(index, id, score, now, ms)
  redis.call('ZADD', index, score, id)
  redis.call('ZREMRANGEBYSCORE', index, '-inf', now)
  keep(index, ms)
end
