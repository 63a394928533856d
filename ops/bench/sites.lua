-- For wrk: the paths behind `--` in turn, as strangers without cookies ask for them, and one line of JSON at the end.
local paths, at = {}, 0

function init(args)
  for _, path in ipairs(args) do table.insert(paths, path) end
  -- Threads begin at different places.
  at = math.random(#paths)
end

function request()
  at = at % #paths + 1
  return wrk.format("GET", paths[at])
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '{"requests":%d,"per_second":%.0f,"p50_ms":%.2f,"p99_ms":%.2f,"refused":%d,"broken":%d}\n',
    summary.requests, summary.requests / summary.duration * 1e6, latency:percentile(50) / 1000,
    latency:percentile(99) / 1000, errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end
