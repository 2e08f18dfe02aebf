-- One request over and over; its answers, by status, and what went wrong, as one line of JSON.

local threads = {}

function setup(thread)
  table.insert(threads, thread)
end

function init(args)
  ok, unknown, refused, unavailable, other = 0, 0, 0, 0, 0
  wrk.method = args[1]
  for index = 2, #args do
    local name, value = args[index]:match("^([^:]+): (.*)$")
    wrk.headers[name] = value
  end
  line = wrk.format()
end

function request()
  return line
end

function response(status)
  if status == 200 then ok = ok + 1
  elseif status == 401 then unknown = unknown + 1
  elseif status == 403 then refused = refused + 1
  elseif status == 503 then unavailable = unavailable + 1
  else other = other + 1 end
end

function done(summary, latency)
  local sum = { ok = 0, unknown = 0, refused = 0, unavailable = 0, other = 0 }
  for _, thread in ipairs(threads) do
    for name, count in pairs(sum) do sum[name] = count + thread:get(name) end
  end
  local errors = summary.errors
  local broken = errors.connect + errors.read + errors.write + errors.timeout
  print(string.format(
    '{"ok":%d,"unknown":%d,"refused":%d,"unavailable":%d,"other":%d,"broken":%d,"p50_ms":%.1f,"p99_ms":%.1f,"max_ms":%.1f}',
    sum.ok, sum.unknown, sum.refused, sum.unavailable, sum.other, broken,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000, latency.max / 1000))
end
