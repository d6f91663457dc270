#!/usr/bin/env bash
# Runs each fuzz target of fuzz/ for a short time, beginning with its corpus: any bytes, and what must hold for them.
# fuzz/README.md says more.
#
#   tests/fuzz.sh                 # all targets
#   tests/fuzz.sh form proof      # these
#
# Environment:
#   FUZZ_SECONDS=20   per target

# shellcheck source=tests/common.sh
source "$(dirname "$0")/common.sh"

install_cargo_tool cargo-fuzz 0.13.2

targets=("$@")
((${#targets[@]})) || mapfile -t targets < <(cd fuzz/fuzz_targets && basename --suffix .rs -- *.rs)

# Without a sanitizer, which stable Rust does not have: this project has no `unsafe`.
cargo fuzz build --sanitizer none >"$work/build.log" 2>&1 || fail "the fuzz targets do not build"
rm "$work/build.log"
for target in "${targets[@]}"; do
  # What is found anew goes to a folder of its own, so that a run changes no file of the project.
  mkdir -p "$work/$target"
  cargo fuzz run --sanitizer none "$target" "$work/$target" "fuzz/corpus/$target" -- \
    "-max_total_time=${FUZZ_SECONDS:-20}" -max_len=8192 -timeout=20 "-artifact_prefix=$work/$target-" \
    >"$work/$target.log" 2>&1 || fail "$target: put the input below into fuzz/corpus/$target, and correct the code"
  say "$target: $(grep --only-matching 'Done [0-9]* runs' "$work/$target.log"), nothing found"
  rm "$work/$target.log"
done
