#!/usr/bin/env bash
# Mixed load on `tokenmint serve --data`, good and malformed: no 5xx, no refused connection, bounded memory and open
# files, and no secret in the log.
#
#   tests/soak.sh                  needs Rust and Python; DURATION=180 seconds, WORKERS=8, SEED=n repeats choices
#
# TOKENMINT_BIN names the program to try; without it the script builds one.

# shellcheck source=tests/common.sh
source "$(dirname "$0")/common.sh"

build_tokenmint
timeout "$((${DURATION:-180} + 180))" python3 tests/soak.py "$TOKENMINT_BIN" "$work" "$(free_port)" || fail "see above"
say "passed"
