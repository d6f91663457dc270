#!/usr/bin/env bash
# Kills `tokenmint serve --data` with SIGKILL under load, again and again: every registration, rotation, deletion and
# revocation that it acknowledged must hold after the next start.
#
#   tests/durability.sh            needs Rust and Python; DURATION=60 seconds of load, WORKERS=6, SEED=n repeats choices
#
# TOKENMINT_BIN names the program to try; without it the script builds one.

# shellcheck source=tests/common.sh
source "$(dirname "$0")/common.sh"

build_tokenmint
timeout "$((${DURATION:-60} + 180))" python3 tests/durability.py "$TOKENMINT_BIN" "$work" "$(free_port)" ||
  fail "an acknowledged change was lost"
say "passed"
