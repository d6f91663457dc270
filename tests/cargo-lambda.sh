#!/usr/bin/env bash
# Runs both functions with `cargo lambda watch`, which implements Lambda's runtime API, over the embedded DynamoDB
# and KMS. Performs the seed's exchange over HTTP and through `cargo lambda invoke`, verifies the token's signature with
# an independent implementation, and sends every event of events/.
#
#   tests/cargo-lambda.sh          needs Rust, Python and, the first time, the package registries

# shellcheck source=tests/common.sh
source "$(dirname "$0")/common.sh"
install_python_tools

# The settings of the table in events/README.md.
export AUTHORIZATION_ENDPOINT=compat CORS_ORIGINS=https://app.example
start_aws 127.0.0.1

port=$(free_port)
start watch cargo lambda watch --ignore-changes --invoke-address 127.0.0.1 --invoke-port "$port"
wait_for 60 "cargo lambda watch" "$started" curl --silent --output /dev/null "http://127.0.0.1:$port/"

say "the exchange over HTTP"
python3 tests/exchange.py http "http://127.0.0.1:$port" || fail "the exchange over HTTP"

say "the exchange through cargo lambda invoke"
# invoke FUNCTION EVENT: prints the function's response.
invoke() {
  timeout 120 cargo lambda invoke "$1" --invoke-address 127.0.0.1 --invoke-port "$port" --data-file "$2" ||
    fail "cargo lambda invoke $1 with $(basename "$2")"
}
invoke register events/register-seed.json >"$work/registration.json"
python3 tests/exchange.py authorize events/token-seed.json "$work/registration.json" >"$work/token-event.json"
invoke token "$work/token-event.json" >"$work/token.json"
invoke token events/token-jwks.json >"$work/jwks.json"
python3 tests/exchange.py verify "$work/token.json" "$work/jwks.json"
invoke token events/token-wrong-secret.json | grep --quiet '"statusCode":401' || fail "a wrong secret did not get 401"

say "every event"
python3 tests/events.py "http://127.0.0.1:$port" register token || fail "the events"

say "passed"
