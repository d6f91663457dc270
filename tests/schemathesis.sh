#!/usr/bin/env bash
# Sends what schemathesis generates from docs/openapi.json to `tokenmint serve`, and holds every response to all of its
# checks: documented statuses, headers, media types and schemas, no 5xx, valid requests accepted, invalid ones refused,
# authentication required where the document says so.
#
# schemathesis/hooks.py has the credentials, schemathesis/schemathesis.toml what a check needs to know.
#
#   tests/schemathesis.sh [OPTION...]      options of `schemathesis run`, for example --include-path /token
#
# TOKENMINT_BIN names the program to try; without it the script builds one. SEED repeats a run.

# shellcheck source=tests/common.sh
source "$(dirname "$0")/common.sh"

install_schemathesis
if [[ -z ${TOKENMINT_BIN:-} ]]; then
  cargo build --quiet --locked
  TOKENMINT_BIN=${CARGO_TARGET_DIR:-target}/debug/tokenmint
fi

port=$(free_port)
url=http://127.0.0.1:$port
# ES256: an RSA signature of the embedded KMS takes some milliseconds in a debug build.
start serve env RUST_LOG=warn SCOPES='read write' AUTHORIZATION_ENDPOINT=compat SIGNING_KEYS=alias/key=ES256 \
  'RESOURCES={"https://api.example/v1":"read write","https://reports.example":"read"}' \
  "$TOKENMINT_BIN" serve --memory --listen "127.0.0.1:$port"
wait_for 60 "tokenmint serve" "$started" curl --silent --fail "$url/.well-known/jwks.json"

folder=$PWD/tests/schemathesis
# It keeps files in the folder in which it runs.
cd "$work"
SCHEMATHESIS_HOOKS=$folder/hooks.py schemathesis --config-file "$folder/schemathesis.toml" \
  run "$url/openapi.json" --url "$url" --checks all --max-examples 60 --seed "${SEED:-1}" --continue-on-failure \
  --no-color --warnings off "$@"
