#!/usr/bin/env bash
# Changes the protocol crate in small ways, where it differs from an earlier commit, and fails if its unit tests do not
# notice one of the changes. CONTRIBUTING.md has the score of the whole crate.
#
#   tests/mutants.sh            # what the last commit changed
#   tests/mutants.sh COMMIT     # what changed since then

# shellcheck source=tests/common.sh
source "$(dirname "$0")/common.sh"

install_cargo_tool cargo-mutants 27.1.0

base=${1:-HEAD~1}
if ! git rev-parse --quiet --verify "$base^{commit}" >/dev/null; then
  say "skipped: there is no commit $base to compare with"
  exit 0
fi
git diff "$base" -- crates/oauth/src >"$work/changes.diff"
if [[ ! -s $work/changes.diff ]]; then
  say "nothing to do: crates/oauth is as in $base"
  exit 0
fi
PROPTEST_CASES=64 cargo mutants --package tokenmint-oauth --in-diff "$work/changes.diff" --output "$work" \
  --no-times --colors never || {
  cat "$work/mutants.out/missed.txt" || true
  fail "no unit test of crates/oauth notices these changes"
}
