#!/usr/bin/env bash
# Counts the instructions of one request on three paths, with valgrind, and compares them with their bounds in
# instructions.txt. Every answer is checked. Instructions repeat where times do not, so a bound holds on a busy machine.
# README.md says more.
#
#   tests/load/instructions.sh
#
# Needs Linux and valgrind. The bounds are those of x86-64; on another architecture the script only prints the counts.

# shellcheck source=tests/common.sh
source "$(dirname "$0")/../common.sh"

bounds=tests/load/instructions.txt
command -v valgrind >/dev/null || fail "valgrind is not installed"

# The profile of `tokenmint serve`. It keeps the symbols, by which callgrind finds where to count.
CARGO_INCREMENTAL=0 cargo build --quiet --locked --release --package tokenmint-instructions
instructions=${CARGO_TARGET_DIR:-target}/release/instructions

# count PATH REQUESTS: prints the instructions of so many requests. Only what is called from `measured` counts, neither
# the start nor the checks.
count() {
  local counted=$work/$1-$2
  # A clean environment: the AWS SDK reads variables and files.
  env --ignore-environment "PATH=$PATH" valgrind --quiet --tool=callgrind "--callgrind-out-file=$counted" \
    --toggle-collect='instructions::measured*' "$instructions" "$1" "$2" >"$counted.log" 2>&1 || fail "$1"
  sed --quiet 's/^\(summary\|totals\): //p' "$counted" | head --lines 1
}

status=0
printf '%-14s %12s %12s %12s\n' path instructions measured bound
while read -r path measured bound; do
  [[ $path && $path != \#* ]] || continue
  # What only the first requests need cancels out.
  case $path in pure) few=200 many=1200 ;; *) few=20 many=120 ;; esac
  fewer=$(count "$path" "$few")
  more=$(count "$path" "$many")
  each=$(((more - fewer) / (many - few)))
  verdict=
  if [[ $(uname -m) != x86_64 ]]; then
    verdict="not compared: the bounds are those of x86-64"
  elif ((each > bound)); then
    verdict="ABOVE the bound" status=1
  elif ((each * 100 < measured * 85)); then
    verdict="more than 15% BELOW what was measured" status=1
  fi
  printf '%-14s %12d %12d %12d  %s\n' "$path" "$each" "$measured" "$bound" "$verdict"
done <"$bounds"
((status == 0)) || fail "above: find out what costs more. below: well done. If it is meant to be so, correct $bounds, \
as its first lines say"
