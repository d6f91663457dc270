#!/usr/bin/env bash
# A second opinion on DynamoDB: DynamoDB Local, which AWS publishes, in place of the embedded one. The route tests run
# over it, with every condition and transaction; then both functions run over tables made as template.yaml says, and
# expired clients must be deleted by time to live.
#
#   tests/dynamodb-local.sh        needs Rust, Python, Java and, the first time, the package registries

# shellcheck source=tests/common.sh
source "$(dirname "$0")/common.sh"
install_python_tools
install_ministack
install_dynamodb_local

port=$(free_port)
local_url=http://127.0.0.1:$port
# It has no option for the address that it listens on. Everything is in memory, and -sharedDb leaves the region and the
# access key out of a table's identity: the calls that tests make themselves name one region for all.
# It writes a file into its working folder.
start dynamodb env --chdir="$work" java "-Djava.library.path=$TOKENMINT_TOOLS/dynamodb-local/DynamoDBLocal_lib" \
  -jar "$TOKENMINT_TOOLS/dynamodb-local/DynamoDBLocal.jar" -inMemory -sharedDb -disableTelemetry -port "$port"
# It answers with 400, because the request is not signed.
wait_for 60 "DynamoDB Local" "$started" curl --silent --output /dev/null "$local_url"
say "DynamoDB Local $(sed -n 's/^Version:[[:space:]]*//p' "$work/dynamodb.out") at $local_url"

say "the route tests"
# Three tests stop the embedded DynamoDB, which does not stop this one. In two others a hundred instances start at once,
# or requests come without a pause: DynamoDB Local then answers some calls, other tests' too, later than functions wait.
skipped=(t7_o5_a_page_can_read_errors t7_o6_nothing_behind_the_functions d1_t6_t7_openapi_responses
  k4_a_hundred_at_once_make_one_key k3_five_rotations_under_load)
say "skipped: ${skipped[*]}"
# The workspace, as `cargo test` built it.
timeout 580 env TOKENMINT_TEST_DYNAMODB="$local_url" RUST_BACKTRACE=0 \
  cargo test --quiet --locked --workspace --test routes -- "${skipped[@]/#/--skip=}" >"$work/routes.log" 2>&1 ||
  fail "the route tests over DynamoDB Local"
grep '^test result' "$work/routes.log"

say "both functions over the tables of template.yaml"
export AUTHORIZATION_ENDPOINT=compat CORS_ORIGINS=https://app.example UNUSED_CLIENT_TTL=5
start_aws 127.0.0.1
export AWS_ENDPOINT_URL_DYNAMODB=$local_url
check=("$TOKENMINT_TOOLS/ministack/bin/python3" tests/dynamodb_local.py)
"${check[@]}" create
port=$(free_port)
start watch cargo lambda watch --ignore-changes --invoke-address 127.0.0.1 --invoke-port "$port"
wait_for 60 "cargo lambda watch" "$started" curl --silent --output /dev/null "http://127.0.0.1:$port/"
python3 tests/events.py "http://127.0.0.1:$port" register token || fail "the events"
"${check[@]}" expire "http://127.0.0.1:$port" || fail "time to live"

say "passed"
