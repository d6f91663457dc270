#!/usr/bin/env bash
# Measures the Lambda functions as Lambda runs them: each `bootstrap` behind a stand-in for the runtime API that hands
# it one event after the other and checks every answer, with the embedded DynamoDB and KMS in another process. Prints
# one table. README.md says how to read it.
#
#   tests/load/functions.sh
#
# Environment:
#   ONLY='regex'      measure only the rows whose name matches, for example 'hello|sealed ES256'
#   EVENTS=2000       events per run
#   RUNS=3            runs per row; the median is printed
#   INSTRUCTIONS=1    count instructions too, with valgrind, or with perf where valgrind is missing
#   FUNCTIONS=dir     measure dir/register/bootstrap and dir/token/bootstrap instead of building them
#   BASE=dir          measure the functions in dir too, run by run beside the others: an older build to compare with
#   RESULTS=file      keep the figures of each run in this file, one JSON object per line
#
# Paths are relative to the repository. Needs Linux, Rust and Python; the load does not leave the machine.

# shellcheck source=tests/common.sh
source "$(dirname "$0")/../common.sh"

only=${ONLY:-.}
runs=${RUNS:-3}
events=${EVENTS:-2000}
target=target/load
built=${FUNCTIONS:-$target/functions}
results=${RESULTS:-$work/results.jsonl}
: >"$results"

# The tool with which instructions are counted.
tool=
if [[ ${INSTRUCTIONS:-} == 1 ]]; then
  for candidate in valgrind perf; do
    ! command -v "$candidate" >/dev/null || { tool=$candidate && break; }
  done
  [[ $tool ]] || fail "INSTRUCTIONS=1 needs valgrind or perf"
fi

build() {
  say "building"
  # Incremental compilation would only take space.
  export CARGO_INCREMENTAL=0
  local release=(cargo build --quiet --locked --release --target-dir "$target")
  "${release[@]}" --package tokenmint --package tokenmint-load --bin tokenmint --bin invoke

  # As `cargo lambda build --release` does, whose configuration is in Cargo.toml. Our functions are built apart from the
  # rest, which would compile their dependencies with more features.
  local line
  while read -r line; do release+=(--config "$line"); done < <(
    cargo metadata --locked --no-deps --format-version 1 |
      python3 -c 'import json, sys; print(*json.load(sys.stdin)["metadata"]["lambda"]["build"]["config"], sep="\n")'
  )
  "${release[@]}" --package tokenmint-load --bin hello
  install -D "$target/release/hello" "$target/functions/hello/bootstrap"
  [[ ${FUNCTIONS:-} ]] && return
  "${release[@]}" --package register --package token
  local function
  for function in register token; do
    install -D "$target/release/$function" "$target/functions/$function/bootstrap"
  done
}

# start_services NAME [VARIABLE=VALUE...]: runs DynamoDB and KMS with the tables and keys that these settings need.
# $services is then a file with the functions' environment. Each signing mode gets its own: an older key in the table
# would otherwise be published too.
start_services() {
  local name=services-$1
  shift
  # A clean environment: the caller's settings, credentials and proxies must not change what is measured.
  start "$name" env --ignore-environment "PATH=$PATH" "$@" \
    "$target/release/tokenmint" aws --memory --dynamodb-port 0 --kms-port 0
  services=$work/$name.out
  services_group=$started
  wait_for 60 "the embedded DynamoDB and KMS" "$started" grep --quiet '^export REGISTRATION_RATE_TOTAL=' "$services"
}

stop_services() {
  # It fails after the process has ended as it was told.
  stop "$services_group" || :
}

# invoke ARGUMENTS...: runs the stand-in with the environment of the functions.
invoke() {
  # shellcheck disable=SC2016  # the inner shell expands these
  env --ignore-environment "PATH=$PATH" bash -c 'set -a; source "$1"; shift; exec "$@"' _ "${services:-/dev/null}" \
    "${variables[@]}" "$target/release/invoke" --log "$work/function.log" "$@"
}

# record ROW BUILD FIGURES: appends a line to the results.
record() {
  python3 - "$1" "$2" "$3" >>"$results" <<'PYTHON'
import json, sys
row, build, figures = sys.argv[1:]
print(json.dumps({"row": row, "build": build} | json.loads(figures)))
PYTHON
}

# measure ROW FUNCTION ARGUMENTS...: measures one row, if it is asked for. The arguments are those of the stand-in.
# $variables is `env` with the settings of this row.
measure() {
  local row=$1 function=$2 run build bootstrap figures
  shift 2
  wanted "$row" || return 0
  say "$row"
  for ((run = 1; run <= runs; run++)); do
    # The builds alternate, so that what else the machine does meets them alike.
    for build in ours ${BASE:+base}; do
      bootstrap=$(bootstrap "$function" "$build") || continue
      figures=$(invoke --events "$events" "$@" -- "$bootstrap") || fail "$row ($build)"
      record "$row" "$build" "$figures"
    done
  done
  for build in ours ${BASE:+base}; do
    bootstrap=$(bootstrap "$function" "$build") || continue
    record "$row" "$build" "{\"zipped\": $(zipped "$bootstrap")}"
    [[ ! $tool ]] || count "$row" "$build" "$bootstrap" "$@"
  done
}

# bootstrap FUNCTION BUILD: prints the path of the function's binary; fails for the base's hello world.
bootstrap() {
  case $1-$2 in
    hello-ours) echo "$target/functions/hello/bootstrap" ;;
    hello-base) return 1 ;;
    *-ours) echo "$built/$1/bootstrap" ;;
    *) echo "$BASE/$1/bootstrap" ;;
  esac
}

# zipped BOOTSTRAP: prints the size in bytes of the zip file with which the function is deployed.
zipped() {
  python3 - "$1" <<'PYTHON'
import io, sys, zipfile
file = io.BytesIO()
with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
    archive.write(sys.argv[1], "bootstrap")
print(len(file.getvalue()))
PYTHON
}

# count ROW BUILD BOOTSTRAP ARGUMENTS...: counts instructions, which repeat from run to run where times do not. Those of
# the init are counted up to the first request for an event; those of an event are the difference between a longer and
# a shorter run.
count() {
  local row=$1 build=$2 bootstrap=$3 init fewer more
  shift 3
  # A function that is only started needs no client, and nothing is checked.
  init=$(instructions "$bootstrap" --expect hello --event events/token-jwks.json --warm-up 0 --events 0)
  fewer=$(instructions "$bootstrap" "$@" --warm-up 0 --events 50)
  more=$(instructions "$bootstrap" "$@" --warm-up 0 --events 250)
  record "$row" "$build" "{\"init_instructions\": $init, \"event_instructions\": $(((more - fewer) / 200))}"
}

# instructions BOOTSTRAP ARGUMENTS...: prints how many instructions one run of the stand-in costs the function.
instructions() {
  local bootstrap=$1 counted=$work/instructions command
  shift
  rm -f "$counted"
  case $tool in
    valgrind) command=(valgrind --quiet --tool=callgrind "--callgrind-out-file=$counted" "$bootstrap") ;;
    perf) command=(perf stat "--field-separator=," --event instructions:u --output "$counted" -- "$bootstrap") ;;
  esac
  invoke --starts 1 "$@" -- "${command[@]}" >"$work/instructions.out" || fail "counting instructions"
  case $tool in
    valgrind) sed --quiet 's/^summary: //p' "$counted" ;;
    perf) sed --quiet 's/^\([0-9]*\),.*instructions.*/\1/p' "$counted" ;;
  esac
}

# measure_tokens NAME ALGORITHM [VARIABLE=VALUE...]: the rows of one way to sign.
measure_tokens() {
  local name=$1 algorithm=$2 issuer client
  shift 2
  wanted "token $name, known client" "token $name, cache off" "key set $name" || return 0
  start_services "${name// /-}" "$@"
  issuer=$(sed --quiet "s/^export ISSUER='\(.*\)'$/\1/p" "$services")
  client=$work/client.json
  variables=(env METRICS=tokenmint-token)
  invoke --starts 1 --expect registration --event events/register-seed.json --warm-up 0 --events 1 --save "$client" \
    -- "$built/register/bootstrap" >"$work/registered.out" || fail "registering a client"
  # The first start makes the keys that the measured ones find.
  invoke --starts 1 --expect keys --event events/token-jwks.json --warm-up 0 --events 1 -- "$built/token/bootstrap" \
    >"$work/keys.out" || fail "making the keys"

  local token=(--expect token --event events/token-seed.json --client "$client" --issuer "$issuer"
    --algorithm "$algorithm" --keys-event events/token-jwks.json)
  measure "token $name, known client" token "${token[@]}"
  variables=(env METRICS=tokenmint-token CLIENT_CACHE_TTL=0)
  measure "token $name, cache off" token "${token[@]}"
  variables=(env METRICS=tokenmint-token)
  measure "key set $name" token --expect keys --event events/token-jwks.json
  stop_services
}

build
variables=(env METRICS=tokenmint-register)
services=
measure "hello world" hello --expect hello --event events/token-jwks.json
if wanted register; then
  start_services register
  measure register register --expect registration --event events/register-seed.json
  stop_services
fi
measure_tokens "kms RS256" RS256 SIGNING_MODE=kms SIGNING_KEYS=alias/load=RS256
measure_tokens "kms ES256" ES256 SIGNING_MODE=kms SIGNING_KEYS=alias/load=ES256
measure_tokens "sealed ES256" ES256 SIGNING_MODE=sealed SIGNING_KEY_SPEC=ECC_NIST_P256
measure_tokens "sealed RS256" RS256 SIGNING_MODE=sealed SIGNING_KEY_SPEC=RSA_2048
measure_tokens "sealed EdDSA" EdDSA SIGNING_MODE=sealed SIGNING_KEY_SPEC=ECC_NIST_EDWARDS25519

echo
python3 tests/load/table.py functions "$results"
