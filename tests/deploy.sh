#!/usr/bin/env bash
# Deploys template.yaml with `sam deploy` to MiniStack, an emulator of AWS, once with each SIGNING_MODE, and uses the
# deployed functions: every event of events/, the seed's exchange through the deployed HTTP API, and a verification of
# the token with PyJWT. The functions run with the credentials of their roles, and MiniStack checks every call against
# the policies.
#
#   tests/deploy.sh                needs Rust, Python and, the first time, the package registries
#
# What MiniStack lacks is left out of a copy of the template, and the script prints "skipped" for each such part.
# No step leaves this machine.

# shellcheck source=tests/common.sh
source "$(dirname "$0")/common.sh"

[[ $(uname -m) == x86_64 ]] || {
  say "skipped: MiniStack runs the functions as processes of this machine, which is not x86_64"
  exit 0
}
install_python_tools
install_ministack
python=$TOKENMINT_TOOLS/ministack/bin/python3

say "sam build"
sam build --build-dir "$work/build" --parameter-overrides Architecture=x86_64 Registration=open \
  >"$work/build.log" 2>&1 || fail "sam build"
"$python" tests/deploy_template.py "$work/build/template.yaml" "$work/build/adapted.json"

# Every credential, endpoint and proxy of the caller is replaced: nothing may reach an account.
unset AWS_PROFILE AWS_SESSION_TOKEN "${!AWS_ENDPOINT_URL_@}" HTTP_PROXY HTTPS_PROXY ALL_PROXY http_proxy https_proxy all_proxy
port=$(free_port)
export AWS_ENDPOINT_URL=http://127.0.0.1:$port AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test
export AWS_DEFAULT_REGION=us-east-1 AWS_EC2_METADATA_DISABLED=true AWS_CONFIG_FILE=/dev/null AWS_SHARED_CREDENTIALS_FILE=/dev/null
# AUTH: calls are checked against the policies of whoever makes them.
mkdir "$work/ministack"
start ministack env GATEWAY_PORT="$port" BIND_HOST=127.0.0.1 AUTH=true IOT_MTLS_ENABLED=0 LAMBDA_EXECUTOR=local \
  TMPDIR="$work/ministack" "$TOKENMINT_TOOLS/ministack/bin/ministack"
wait_for 60 "MiniStack" "$started" curl --silent --fail "$AWS_ENDPOINT_URL/_ministack/health"

# deploy STACK PARAMETER...: deploys the adapted template, or updates the stack.
deploy() {
  local stack=$1
  shift
  say "sam deploy of $stack: $*"
  timeout 240 sam deploy --template-file "$work/build/adapted.json" --stack-name "$stack" --resolve-s3 \
    --capabilities CAPABILITY_IAM --no-confirm-changeset --no-fail-on-empty-changeset --no-progressbar \
    --parameter-overrides Architecture=x86_64 Registration=open RegistrationRate=0 RegistrationRateTotal=0 \
    Scopes=client-scope AuthorizationEndpoint=compat CorsOrigins=https://app.example "$@" \
    >"$work/deploy.log" 2>&1 || fail "sam deploy of $stack"
}

# use STACK: sends the requests and checks what was created.
use() { timeout 240 "$python" tests/deploy.py "$1" "$work/build/adapted.json" "$work/$1.token" || fail "stack $1"; }

deploy tokenmint-kms SigningMode=kms
use tokenmint-kms
# A key is replaced as docs/keys.md says: tokens of the first remain valid.
deploy tokenmint-kms SigningMode=kms SecondKeySpec=ECC_NIST_P256 SecondSigningAlgorithm=ES256
deploy tokenmint-kms SigningMode=kms SecondKeySpec=ECC_NIST_P256 SecondSigningAlgorithm=ES256 SigningKeyInUse=second
use tokenmint-kms
deploy tokenmint-sealed SigningMode=sealed SigningKeySpec=ECC_NIST_P384
use tokenmint-sealed

say "passed"
