-- Repeats one POST request with wrk, and prints the result as one line of JSON.
-- Environment: BODY, CONTENT_TYPE, and AUTHORIZATION if the request has such a header.

wrk.method = "POST"
wrk.body = os.getenv("BODY")
wrk.headers["Content-Type"] = os.getenv("CONTENT_TYPE")
wrk.headers["Authorization"] = os.getenv("AUTHORIZATION")

function done(summary, latency, _)
  local errors = summary.errors
  -- wrk counts microseconds.
  io.write(string.format(
    'JSON {"requests": %d, "seconds": %.3f, "p50_ms": %.3f, "p99_ms": %.3f, "failed": %d}\n',
    summary.requests,
    summary.duration / 1e6,
    latency:percentile(50) / 1e3,
    latency:percentile(99) / 1e3,
    errors.status + errors.connect + errors.read + errors.write + errors.timeout
  ))
end
