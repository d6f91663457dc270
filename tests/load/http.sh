#!/usr/bin/env bash
# Compares servers over HTTP: `tokenmint serve`, other authorization servers, and the floor, a server that only signs.
# Each is measured with wrk, one after the other on this machine, and again in the next round, so that what changes on the
# machine meanwhile meets all alike. Prints one table. README.md says how to read it.
#
#   tests/load/http.sh
#
# Environment:
#   ONLY='regex'     measure only the rows whose name matches, for example 'floor|sealed ES256'
#   PEERS=0          without the other servers; the floor is measured still
#   DURATION=10      seconds per run
#   RUNS=3           rounds; the median is printed
#   CONNECTIONS=16   connections of wrk
#   RESULTS=file     keep the figures of each run in this file, one JSON object per line
#
# Needs Linux, Rust, Python, openssl and wrk; Node.js with npm for oidc-provider. The first run downloads the other
# servers' sources from the package registries; the load itself does not leave the machine.

# shellcheck source=tests/common.sh
source "$(dirname "$0")/../common.sh"

only=${ONLY:-.}
runs=${RUNS:-3}
target=target/load
results=${RESULTS:-$work/results.jsonl}
: >"$results"

command -v wrk >/dev/null || fail "wrk is missing: sudo apt-get install wrk, or https://github.com/wg/wrk"

# measure ROW ALGORITHM PORT ARGUMENTS... -- COMMAND...: measures one row, if it is asked for.
measure() {
  local row=$1 algorithm=$2
  shift 2
  wanted "$row" || return 0
  say "$row, $run of $runs"
  python3 tests/load/load.py "$results" --row "$row" --algorithm "$algorithm" --log "$work/server.log" \
    --duration "${DURATION:-10}" --runs 1 --connections "${CONNECTIONS:-16}" "$@" || fail "$row"
}

release() { CARGO_INCREMENTAL=0 cargo build --quiet --locked --release "$@"; }

# private_key FILE OPTIONS...: generates a key, PKCS #8 in DER.
private_key() {
  local file=$1
  shift
  # What openssl writes besides is its progress.
  openssl genpkey "$@" 2>"$work/openssl.log" | openssl pkcs8 -topk8 -nocrypt -outform DER -out "$file"
}

floor() {
  wanted "floor ES256" "floor RS256" || return 0
  release --manifest-path tests/load/peers/floor/Cargo.toml --target-dir "$target/peers"
  private_key "$work/rsa.p8" -algorithm RSA -pkeyopt rsa_keygen_bits:2048
  local algorithm port
  for algorithm in ES256 RS256; do
    port=$(free_port)
    measure "floor $algorithm" "$algorithm" --token-url "http://127.0.0.1:$port/$algorithm" \
      -- "$target/peers/release/floor" "$port" "$work/rsa.p8"
  done
}

oauth_as() {
  wanted "oauth-as ES256" || return 0
  release --manifest-path tests/load/peers/oauth-as/Cargo.toml --target-dir "$target/peers"
  private_key "$work/ec.p8" -algorithm EC -pkeyopt ec_paramgen_curve:P-256
  local port url
  port=$(free_port)
  url=http://127.0.0.1:$port
  measure "oauth-as ES256" ES256 --token-url "$url/token" --register-url "$url/register" --register-load \
    -- "$target/peers/release/peer-oauth-as" "$port" "$work/ec.p8"
}

oidc_provider() {
  wanted "oidc-provider ES256" "oidc-provider RS256" || return 0
  if ! { command -v node && command -v npm; } >/dev/null; then
    say "oidc-provider skipped: it needs Node.js and npm"
    return 0
  fi
  local folder=$target/peers/oidc-provider algorithm port url
  mkdir -p "$folder"
  if ! cmp --silent tests/load/peers/oidc-provider/package-lock.json "$folder/installed"; then
    cp tests/load/peers/oidc-provider/* "$folder"
    npm ci --silent --no-audit --no-fund --prefix "$folder"
    # Last, so that an interrupted installation is repeated.
    cp "$folder/package-lock.json" "$folder/installed"
  fi
  cp tests/load/peers/oidc-provider/server.mjs "$folder"
  for algorithm in ES256 RS256; do
    port=$(free_port)
    url=http://127.0.0.1:$port
    measure "oidc-provider $algorithm" "$algorithm" --token-url "$url/token" --register-url "$url/reg" --register-load \
      -- env NODE_ENV=production node "$folder/server.mjs" "$port" "$algorithm"
  done
}

# tokenmint ROW ALGORITHM ARGUMENTS... -- VARIABLE=VALUE... --memory or --data FOLDER
tokenmint() {
  local row=$1 algorithm=$2 load=() variables=() port url
  shift 2
  while [[ $1 != -- ]]; do load+=("$1") && shift; done
  shift
  while [[ $1 == *=* ]]; do variables+=("$1") && shift; done
  port=$(free_port)
  url=http://127.0.0.1:$port
  # A clean environment: the caller's settings must not change what is measured.
  measure "$row" "$algorithm" --token-url "$url/token" --register-url "$url/register" "${load[@]}" \
    -- env --ignore-environment "PATH=$PATH" "SCOPES=read write" "${variables[@]}" \
    "$target/release/tokenmint" serve --listen "127.0.0.1:$port" "$@"
}

ours() {
  # As a release is built, and with the other programs of the stand, so that their dependencies are built once.
  release --target-dir "$target" --package tokenmint --package tokenmint-load --bin tokenmint --bin invoke
  local es=(SIGNING_MODE=sealed SIGNING_KEY_SPEC=ECC_NIST_P256) rs=(SIGNING_MODE=sealed SIGNING_KEY_SPEC=RSA_2048)
  local kms_es=(SIGNING_MODE=kms SIGNING_KEYS=alias/load=ES256) kms_rs=(SIGNING_MODE=kms SIGNING_KEYS=alias/load=RS256)
  local off=CLIENT_CACHE_TTL=0
  tokenmint "tokenmint sealed ES256" ES256 --register-load -- "${es[@]}" --memory
  tokenmint "tokenmint sealed ES256, on disk" ES256 --register-load -- "${es[@]}" --data "$work/data-$run"
  tokenmint "tokenmint sealed ES256, cache off" ES256 -- "${es[@]}" $off --memory
  tokenmint "tokenmint sealed RS256" RS256 -- "${rs[@]}" --memory
  tokenmint "tokenmint sealed RS256, cache off" RS256 -- "${rs[@]}" $off --memory
  tokenmint "tokenmint kms ES256" ES256 -- "${kms_es[@]}" --memory
  tokenmint "tokenmint kms ES256, cache off" ES256 -- "${kms_es[@]}" $off --memory
  tokenmint "tokenmint kms RS256" RS256 -- "${kms_rs[@]}" --memory
  tokenmint "tokenmint kms RS256, cache off" RS256 -- "${kms_rs[@]}" $off --memory
}

for ((run = 1; run <= runs; run++)); do
  floor
  if [[ ${PEERS:-1} != 0 ]]; then
    oauth_as
    oidc_provider
  fi
  ours
done

echo
python3 tests/load/table.py http "$results"
