# shellcheck shell=bash
# For the scripts in this folder: a scratch folder, processes that end with the script, and the embedded DynamoDB and
# KMS. Source it first.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=.ci/tools.sh
source .ci/tools.sh

script=$(basename "$0")
work=$(mktemp -d)
groups=()

say() { echo "$script: $*"; }

fail() {
  say "FAILED: $*" >&2
  exit 1
}

# Additional cleanup when the script ends; a script may redefine it.
undo() { :; }

# Runs on every exit, so that no process or file remains.
clean_up() {
  local status=$? group
  trap - EXIT INT TERM HUP
  set +e
  if ((status != 0)); then
    for log in "$work"/*.log; do
      [[ -s $log ]] && echo "--- the end of $(basename "$log")" && tail -n 40 "$log"
    done >&2
  fi
  for group in "${groups[@]}"; do stop "$group"; done
  undo
  rm -rf "$work"
  exit "$status"
}
trap clean_up EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# start NAME COMMAND...: runs it in the background, in a process group whose number is in $started. Its output is in
# $work/NAME.out and $work/NAME.log.
start() {
  local name=$1
  shift
  setsid "$@" >"$work/$name.out" 2>"$work/$name.log" </dev/null &
  started=$!
  groups=("$started" "${groups[@]}")
}

# stop GROUP: ends a process group of start(), by force after 10 s.
stop() {
  local group=$1
  kill -TERM -- "-$group" 2>/dev/null || return 0
  for _ in {1..100}; do
    kill -0 -- "-$group" 2>/dev/null || break
    sleep 0.1
  done
  kill -KILL -- "-$group" 2>/dev/null
  wait "$group" 2>/dev/null || :
}

# wait_for SECONDS WHAT GROUP COMMAND...: waits until the command succeeds; fails if the process group ends first.
wait_for() {
  local limit=$((SECONDS + $1)) what=$2 group=$3
  shift 3
  until "$@" >/dev/null 2>&1; do
    kill -0 "$group" 2>/dev/null || fail "$what: the process ended"
    ((SECONDS < limit)) || fail "$what: not there in time"
    sleep 0.2
  done
}

free_port() {
  python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# build_tokenmint: builds the program unless TOKENMINT_BIN names one.
build_tokenmint() {
  [[ -z ${TOKENMINT_BIN:-} ]] || return 0
  # All default members, as other scripts do: separate builds would compile the dependencies again.
  cargo build --quiet --locked
  TOKENMINT_BIN=${CARGO_TARGET_DIR:-target}/debug/tokenmint
}

# start_aws ADDRESS: runs DynamoDB and KMS on the address, in memory, with a table and a key. Then exports their
# endpoints and the functions' settings.
start_aws() {
  say "building"
  # Builds the default members together: separate builds would compile their dependencies with different features.
  cargo build --quiet --locked
  start aws cargo run --quiet --locked -- aws --listen "$1" --dynamodb-port 0 --kms-port 0 --memory
  wait_for 120 "the embedded DynamoDB and KMS" "$started" grep --quiet '^export REGISTRATION=' "$work/aws.out"
  set -a
  # shellcheck source=/dev/null
  source "$work/aws.out"
  set +a
  say "DynamoDB at $AWS_ENDPOINT_URL_DYNAMODB, KMS at $AWS_ENDPOINT_URL_KMS"
}

# wanted ROW...: whether one of the rows matches the regular expression $only.
wanted() {
  local row
  for row in "$@"; do
    if [[ $row =~ $only ]]; then return 0; fi
  done
  return 1
}
