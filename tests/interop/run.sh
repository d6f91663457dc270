#!/usr/bin/env bash
# Tries Tokenmint with clients and verifiers that others wrote, in the versions of package-lock.json and
# requirements.txt: one script for each, in node/ and python/. docs/compatibility.md says what is tried and what passes.
#
#   tests/interop/run.sh [NAME...]      NAME is a script without its extension, for example openid-client
#
# TOKENMINT_BIN names the program to try; without it the script builds one.

# shellcheck source=tests/common.sh
source "$(dirname "$0")/../common.sh"

# serve NAME [SETTING=VALUE...]: runs a server with these settings. Its address is in $url.
serve() {
  local name=$1 port
  shift
  port=$(free_port)
  url=http://127.0.0.1:$port
  local data=(--memory)
  # `tokenmint registration-token` needs a folder.
  [[ $name != protected ]] || data=(--data "$work/$name")
  start "$name" env "RUST_LOG=${RUST_LOG:-warn}" "$@" "$TOKENMINT_BIN" serve "${data[@]}" --listen "127.0.0.1:$port"
  wait_for 60 "the server \"$name\"" "$started" curl --silent --fail "$url/.well-known/jwks.json"
}

# Two scopes, and two resources, one of which allows one scope only.
common=('SCOPES=read write' 'RESOURCES={"https://api.example/v1":"read write","https://reports.example":"read"}')

serve_open() {
  serve open "${common[@]}" DPOP_NONCE_TTL=300
  export SERVER=$url
}

serve_protected() {
  serve protected "${common[@]}" REGISTRATION=protected
  export PROTECTED_SERVER=$url
  INITIAL_ACCESS_TOKEN=$("$TOKENMINT_BIN" registration-token create --data "$work/protected" --uses 20 \
    --expires-in 1h --scope read --json | sed -n 's/.*"initial_access_token": *"\([^"]*\)".*/\1/p')
  export INITIAL_ACCESS_TOKEN
}

# For clients whose assertions name the token endpoint.
serve_token_endpoint() {
  serve token-endpoint "${common[@]}" ASSERTION_AUDIENCE=token-endpoint
  export TOKEN_ENDPOINT_SERVER=$url
}

# A server for each algorithm; the last two are one algorithm under two names.
serve_algorithms() {
  local alg settings
  for alg in RS256 PS256 ES256 ES384 EdDSA Ed25519; do
    settings=("SIGNING_KEYS=alias/key=$alg")
    [[ $alg != Ed* ]] ||
      settings=(SIGNING_MODE=sealed SIGNING_KEY_SPEC=ECC_NIST_EDWARDS25519 "ED25519_ALG=$alg")
    serve "$alg" "${common[@]}" "${settings[@]}"
    export "SERVER_$alg=$url"
  done
}

# For MCP clients; the MCP servers listen on the two ports, one of them at the root of its origin.
serve_mcp() {
  MCP_ROOT=http://127.0.0.1:$(free_port)
  MCP_PATH=http://127.0.0.1:$(free_port)/mcp
  # Here a client publishes its metadata document.
  MCP_DOCUMENTS=http://127.0.0.1:$(free_port)
  serve mcp SCOPES='read write' AUTHORIZATION_ENDPOINT=compat \
    "RESOURCES={\"$MCP_ROOT\":\"read write\",\"$MCP_PATH\":\"read write\"}" \
    "CLIENT_METADATA_HOSTS={\"${MCP_DOCUMENTS#http://}\":\"read write\"}"
  export MCP_AUTHORIZATION_SERVER=$url MCP_ROOT MCP_PATH MCP_DOCUMENTS
}

serve_cors() {
  serve cors "${common[@]}" DPOP_NONCE_TTL=300 CORS_ORIGINS=https://app.example
  export CORS_SERVER=$url
}

# The servers that a script needs.
servers_of() {
  case $1 in
    oauth4webapi | openid-client) echo open protected ;;
    authlib_check) echo open token_endpoint ;;
    verifiers | verifiers_check) echo algorithms ;;
    mcp-sdk | mcp-client | mcp_check) echo mcp ;;
    browser) echo open cors ;;
    documented_check) ;;
    *) echo open ;;
  esac
}

# run_script PATH: runs it, prints what it prints, and counts its checks.
run_script() {
  local name output interpreter=(node) status=0
  name=$(basename "$1")
  output=$work/$name.log
  [[ $name != *.py ]] || interpreter=(python3)
  timeout 120 "${interpreter[@]}" "$1" >"$output" 2>&1 || status=$?
  grep -E '^(ok|FAILED) ' "$output" | sed "s/^\(ok\|FAILED\) /\1 $name: /" || :
  local ok bad
  ok=$(grep -c '^ok ' "$output" || :)
  bad=$(grep -c '^FAILED ' "$output" || :)
  # 2: the script reached its end and a check failed.
  if ((status != (bad == 0 ? 0 : 2) || ok + bad == 0)); then
    echo "FAILED $name: it ended with $status after $ok checks"
    tail -n 20 "$output"
    bad=$((bad + 1))
  fi
  rm "$output"
  passed=$((passed + ok))
  failed=$((failed + bad))
}

install_interop_tools
build_tokenmint

scripts=()
for path in tests/interop/node/*.js tests/interop/python/*_check.py; do
  name=$(basename "${path%.*}")
  (($# == 0)) || [[ " $* " == *" $name "* ]] || continue
  scripts+=("$path")
done
((${#scripts[@]} > 0)) || fail "no script is named $*"
(($# == 0 || ${#scripts[@]} == $#)) || fail "not every name of \"$*\" is a script"

declare -A running=()
passed=0 failed=0
for path in "${scripts[@]}"; do
  for server in $(servers_of "$(basename "${path%.*}")"); do
    [[ -z ${running[$server]:-} ]] || continue
    "serve_$server"
    running[$server]=yes
  done
  run_script "$path"
done

echo "$passed passed, $failed failed"
((failed == 0))
