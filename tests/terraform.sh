#!/usr/bin/env bash
# The Terraform module as far as it can be checked without the AWS provider: its format and syntax, and the variables with
# their validation and rules, which Terraform plans in a folder without the other resources.
#
#   tests/terraform.sh

# shellcheck source=tests/common.sh
source "$(dirname "$0")/common.sh"

command -v terraform >/dev/null || { say "skipped: terraform is not installed"; exit 0; }
# Nothing of the machine's own configuration.
export TF_CLI_CONFIG_FILE="$work/terraformrc" CHECKPOINT_DISABLE=1
: >"$TF_CLI_CONFIG_FILE"

terraform -chdir=terraform fmt -check -diff || fail "the module is not in Terraform's format"

module=$work/module
mkdir "$module"
cp terraform/variables.tf terraform/locals.tf "$module"
terraform -chdir="$module" init -backend=false -input=false -no-color >"$work/init.log" || fail "terraform init"
terraform -chdir="$module" validate -no-color || fail "terraform validate"

# plan OPTION...: plans with these variables, and those that have no default.
plan() {
  terraform -chdir="$module" plan -input=false -no-color -var registration=open -var register_zip=r.zip \
    -var token_zip=t.zip "$@" >"$work/plan" 2>&1
}

# refused WORDS OPTION...: fails unless the plan fails with these words.
refused() {
  local words=$1
  shift
  if plan "$@"; then fail "$* was not refused"; fi
  tr --squeeze-repeats '\n ' ' ' <"$work/plan" | grep --quiet --fixed-strings "$words" || fail "$*: $(cat "$work/plan")"
}

plan || fail "the defaults: $(cat "$work/plan")"
plan -var issuer=https://as.example.com -var default_endpoint=disabled -var signing_mode=sealed -var 'scopes=a b' \
  -var reserved_concurrency=10 || fail "good values: $(cat "$work/plan")"
refused "registration must be one of the allowed values." -var registration=everyone
refused "memory_size must be at least 128." -var memory_size=127
refused "access_token_ttl must be at most 604800." -var access_token_ttl=604801
refused "scopes must be scope tokens" -var 'scopes=a  b'
refused "trusted_issuers must have at most 3000 characters." -var "trusted_issuers=$(printf '%3001s' '' | tr ' ' x)"
refused "default_endpoint is disabled, so issuer must name another domain." -var default_endpoint=disabled
refused "mutual_tls_domain_name requires mutual_tls_certificate_arn." -var mutual_tls_domain_name=a.example
refused "signing_algorithm must fit key_spec" -var signing_algorithm=ES256
refused "signing_key_in_use is second, so second_key_spec must not be none." -var signing_key_in_use=second
say "ok"
