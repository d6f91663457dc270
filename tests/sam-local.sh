#!/usr/bin/env bash
# Builds both functions from template.yaml with `sam build` and runs them in containers with `sam local`, over the
# embedded DynamoDB and KMS on this host. Performs the seed's exchange through `sam local invoke`, then over HTTP
# through `sam local start-api`, and sends every event of events/ through `sam local start-lambda`.
#
#   tests/sam-local.sh             needs Rust, Python and, the first time, the package registries
#
# It uses an existing Docker engine, or as root starts one. If there is none, it prints "skipped" and the reason. No
# image is pulled: a substitute for Lambda's image is built from this host's C library, so this tests the wiring, not
# Amazon Linux. LAMBDA_IMAGE names an image to use instead.

# shellcheck source=tests/common.sh
source "$(dirname "$0")/common.sh"

repository=tokenmint-sam-local-$$
own_engine='' own_bridge=''

undo() {
  if [[ -n $own_engine ]]; then
    # The images are in the scratch folder.
    [[ -z $own_bridge ]] || ip link delete docker0
  else
    docker ps --all --quiet --filter "ancestor=$repository:rapid-$architecture" | xargs -r docker rm --force
    docker image ls --quiet "$repository" | xargs -r docker image rm --force
  fi >/dev/null 2>&1
}

skip() {
  say "skipped: $*"
  exit 0
}

# need COMMAND PACKAGE: installs the Debian package if the command is missing.
need() {
  command -v "$1" >/dev/null && return
  { ((EUID == 0)) && command -v apt-get >/dev/null; } || skip "$1 is not here and cannot be installed"
  say "installing $2"
  {
    apt-get update --quiet --quiet
    DEBIAN_FRONTEND=noninteractive apt-get install --quiet --yes --no-install-recommends "$2"
  } >"$work/apt.log" 2>&1 || skip "$2 cannot be installed"
}

start_engine() {
  ((EUID == 0)) || skip "no Docker engine answers, and only root can start one"
  need docker docker.io
  need dockerd docker.io
  need iptables iptables
  need ip iproute2
  ip link show docker0 >/dev/null 2>&1 || own_bridge=yes
  own_engine=yes
  export DOCKER_HOST=unix://$work/docker.sock
  start dockerd dockerd --data-root "$work/data" --exec-root "$work/exec" --host "$DOCKER_HOST" \
    --pidfile "$work/dockerd.pid" --log-level warn --iptables=false --ip6tables=false --ip-masq=false --ip-forward=false
  for _ in {1..150}; do
    docker version >/dev/null 2>&1 && return
    kill -0 "$started" 2>/dev/null || break
    sleep 0.2
  done
  tail -n 5 "$work/dockerd.log"
  skip "no Docker engine answers, and dockerd does not start here"
}

# Prints a Dockerfile's FROM: the named image, or a substitute for the two binaries in $work/build.
base_image() {
  if [[ -n ${LAMBDA_IMAGE:-} ]]; then
    echo "FROM $LAMBDA_IMAGE"
    return
  fi
  local tree=$work/image/tree command library
  mkdir -p "$tree"/{bin,etc/ssl/certs,opt,tmp,var/rapid,var/runtime,var/task}
  chmod 1777 "$tree/tmp"
  cp "$(command -v busybox)" "$tree/bin/busybox"
  for command in sh mv chmod cp ls cat env; do ln -s busybox "$tree/bin/$command"; done
  # The linked libraries, at their expected paths; libgcc_s is loaded only when a thread is cancelled.
  for library in $(ldd "$work"/build/*/bootstrap | grep -o '/[^ ]*\.so[^ ]*' | sort --unique) \
    "$(gcc -print-file-name=libgcc_s.so.1)"; do
    mkdir -p "$tree$(dirname "$library")"
    cp --dereference "$library" "$tree$library"
  done
  cp --dereference /etc/ssl/certs/ca-certificates.crt "$tree/etc/ssl/certs/"
  echo "FROM scratch"
  echo "COPY tree /"
}

case $(uname -m) in
  x86_64) architecture=x86_64 ;;
  aarch64 | arm64) architecture=arm64 ;;
  *) skip "Lambda knows no $(uname -m)" ;;
esac

docker version >/dev/null 2>&1 || start_engine
[[ -n ${LAMBDA_IMAGE:-} ]] || need busybox busybox-static
need ip iproute2
# The host's address in a container.
host=$(ip -4 -oneline address show docker0 2>/dev/null | sed -n 's|.* inet \([0-9.]*\)/.*|\1|p' | head -n 1)
[[ -n $host ]] || skip "the Docker engine has no bridge on this host, by which a function could reach it"
say "a Docker engine answers; containers reach this host at $host"

install_python_tools
say "sam build"
parameters=(--parameter-overrides "Architecture=$architecture" Registration=open)
sam build --build-dir "$work/build" "${parameters[@]}" >"$work/build.log" 2>&1 || fail "sam build"
# The settings of the table in events/README.md.
export AUTHORIZATION_ENDPOINT=compat CORS_ORIGINS=https://app.example
start_aws "$host"

# SAM passes on only variables in the template, which does not contain the endpoints of DynamoDB and KMS.
mkdir -p "$work/image"
{
  base_image
  echo "ENV AWS_ENDPOINT_URL_DYNAMODB=$AWS_ENDPOINT_URL_DYNAMODB AWS_ENDPOINT_URL_KMS=$AWS_ENDPOINT_URL_KMS"
} >"$work/image/Dockerfile"
docker build --quiet --tag "$repository:base" "$work/image" >"$work/image.log" 2>&1 || fail "the image"
mapfile -t settings < <(sed -n 's/^export \([A-Z_]*\)=.*/\1/p' "$work/aws.out" | grep -v '^AWS_')
python3 - "${settings[@]}" >"$work/environment.json" <<'PYTHON'
import json, os, sys
print(json.dumps({"Parameters": {name: os.environ[name] for name in sys.argv[1:]}}))
PYTHON
# Common options of `sam local invoke` and `start-api`.
options=(--template-file "$work/build/template.yaml" "${parameters[@]}" --env-vars "$work/environment.json"
  --skip-pull-image --invoke-image "$repository:base")

say "the exchange through sam local invoke"
# invoke FUNCTION EVENT: prints the function's response.
invoke() {
  timeout 180 sam local invoke "$1" --event "$2" "${options[@]}" 2>>"$work/invoke.log" ||
    fail "sam local invoke $1 with $(basename "$2")"
}
invoke RegisterFunction events/register-seed.json >"$work/registration.json"
python3 tests/exchange.py authorize events/token-seed.json "$work/registration.json" >"$work/token-event.json"
invoke TokenFunction "$work/token-event.json" >"$work/token.json"
invoke TokenFunction events/token-jwks.json >"$work/jwks.json"
python3 tests/exchange.py verify "$work/token.json" "$work/jwks.json"

say "the exchange through sam local start-api"
port=$(free_port)
start start-api sam local start-api --port "$port" "${options[@]}" --warm-containers EAGER
wait_for 120 "sam local start-api" "$started" curl --silent --output /dev/null "http://127.0.0.1:$port/"
python3 tests/exchange.py http "http://127.0.0.1:$port"
stop "$started" || :

# A container for each function stays, or each event would start one.
say "every event through sam local start-lambda"
port=$(free_port)
start start-lambda sam local start-lambda --port "$port" "${options[@]}" --warm-containers EAGER
wait_for 120 "sam local start-lambda" "$started" curl --silent --output /dev/null "http://127.0.0.1:$port/"
python3 tests/events.py "http://127.0.0.1:$port" RegisterFunction TokenFunction || fail "the events"

say "passed"
