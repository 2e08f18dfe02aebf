-- Functions that several scripts share. The offsets of bytes are those of store/record.rs.

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

-- Deletes a session whose revocation has ended.
local function lapse(key, now)
  local revoked = redis.call('HGET', key, 'r')
  if revoked and millis(revoked, 1) <= tonumber(now) then redis.call('DEL', key) end
end

-- The key of a session ends in `s:{64 hex digits}`.
local function id_of(key)
  return (string.gsub(string.sub(key, -65, -2), '%x%x', function(two)
    return string.char(tonumber(two, 16))
  end))
end
local function hex(id)
  return (string.gsub(id, '.', function(byte) return string.format('%02x', string.byte(byte)) end))
end

-- The id of a session, and those of its parts.
local function ids_of(key)
  return id_of(key) .. (redis.call('HGET', key, 'p') or '')
end
-- The key of another session.
local function sibling(key, id)
  return string.sub(key, 1, -67) .. '{' .. hex(id) .. '}'
end

-- The sorted set of all values that a session's cookie has had; nil if it had one only.
local function chain(key)
  local first = redis.call('HGET', key, 'l')
  return first and string.sub(key, 1, -69) .. 'l:{' .. hex(first) .. '}'
end

-- The keys of one session under every value of its cookie, `key` first.
local function every_value(key)
  local keys, list = {key}, chain(key)
  for _, id in ipairs(list and redis.call('ZRANGE', list, 0, -1) or {}) do
    local other = sibling(key, id)
    if other ~= key then keys[#keys + 1] = other end
  end
  return keys
end

-- Deletes a session and all it holds, but not its revocation.
local function wipe(key)
  local list = chain(key)
  if list then redis.call('ZREM', list, id_of(key)) end
  local revoked = redis.call('HGET', key, 'r')
  local ttl = redis.call('PTTL', key)
  redis.call('DEL', key)
  if revoked then
    redis.call('HSET', key, 'r', revoked)
    if ttl > 0 then redis.call('PEXPIRE', key, ttl) end
  end
end

-- The fields of a session's hash beside mark, grants and what was taken.
local LASTING = {s = true, r = true, p = true, l = true, e = true, w = true}

-- Deletes mark, grants and what was taken.
local function strip(key)
  for _, field in ipairs(redis.call('HKEYS', key)) do
    if not LASTING[field] then redis.call('HDEL', key, field) end
  end
end

-- Keeps a session for at least `ms` from now, unless its cookie was replaced.
local function keep_session(key, ms)
  if redis.call('HEXISTS', key, 'e') == 0 then keep(key, ms) end
end

-- Revokes the sessions in `ids`, 32 bytes each, until a time written as eight bytes; announces them.
local function revoke(ids, set, channel, ends)
  for at = 1, #ids, 32 do
    local id = string.sub(ids, at, at + 31)
    redis.call('ZADD', set, 'GT', string.format('%.0f', millis(ends, 1)), id)
    redis.call('PUBLISH', channel, id .. ends)
  end
end

-- Writes how the sessions in `ids`, 32 bytes each, ended, and announces it; see store/endings.rs.
local function ended(ids, log, channel, note)
  for at = 1, #ids, 32 do
    redis.call('XADD', log, 'MAXLEN', '~', 10000, '*', note, string.sub(ids, at, at + 31))
  end
  redis.call('PUBLISH', channel, 'ended')
end

-- A session record that was never seen to authenticate.
local function stale(session)
  return string.sub(session, 1, 42) .. string.rep('\0', 9) .. string.sub(session, 52)
end

-- Whose a session record is, without how the name was said.
local function owner_of(session)
  return string.match(session, '^[^\n]*', 94)
end

-- Lists a session under its subject until `score`, and drops those whose time is over.
local function enlist(index, id, score, now, ms)
  redis.call('ZADD', index, score, id)
  redis.call('ZREMRANGEBYSCORE', index, '-inf', now)
  keep(index, ms)
end
