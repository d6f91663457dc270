#!/usr/bin/env bash
# Runs the commands in the documents against `tokenmint serve`, and compares their output with the documents: the
# lines that `cargo run` prints, as in the README, and every block between `<!-- run -->` and `<!-- end -->` in
# docs/*.md. In a block, a comment gives the output of a command: a status at the end of the line, or JSON on the
# next line. `…` stands for any text.
#
#   tests/docs.sh

# shellcheck source=tests/common.sh
source "$(dirname "$0")/common.sh"

# fenced FILE MARK: prints the fenced block after the line MARK.
fenced() {
  awk -v mark="$2" '$0 == mark { found = 1; next } found && /^```/ { if (inside) exit; inside = 1; next } inside' "$1"
}

# blocks FILE: prints the lines of all blocks to run.
blocks() {
  awk '/^<!-- run -->$/ { run = 1; next } /^<!-- end -->$/ { run = 0 } run && !/^```/' "$1"
}

# compare WHAT EXPECTED PRINTED: fails unless the files have the same lines; `…` in EXPECTED matches any text.
compare() {
  python3 - "$2" "$3" <<'PYTHON' || fail "$1: not what the document says"
import itertools, re, sys
expected, printed = ([line for line in open(path).read().split("\n") if line] for path in sys.argv[1:])
for wanted, line in itertools.zip_longest(expected, printed, fillvalue="(nothing)"):
    # A word that contains `…` differs in each run.
    pattern = "".join(".*" if "…" in part else re.escape(part) for part in re.split(r"([\w.…-]*…[\w.…-]*)", wanted))
    if not re.fullmatch(pattern, line):
        sys.exit(f"expected {wanted}\nprinted  {line}")
PYTHON
}

# run WHAT FILE: runs the lines in FILE against the server, in a separate shell; the output is in FILE.out.
run() {
  sed --in-place "s|http://127.0.0.1:9000|$server|g" "$2"
  bash -euo pipefail "$2" | sed "s|$server|http://127.0.0.1:9000|g" >"$2.out" || fail "$1: a line failed"
}

cargo build --quiet --locked
port=$(free_port)
server=http://127.0.0.1:$port
start serve env CLIENT_SECRET_OVERLAP=2 cargo run --quiet --locked -- \
  serve --data "$work/data" --listen "127.0.0.1:$port"
wait_for 60 "tokenmint serve" "$started" curl --silent --fail "$server/.well-known/jwks.json"

fenced README.md '<!-- cargo run prints -->' >"$work/banner"
[[ -s $work/banner ]] || fail "README.md does not show what cargo run prints"
sed "s|$server|http://127.0.0.1:9000|; s|$work/data|.tokenmint|" "$work/serve.out" >"$work/banner.out"
compare "README.md, cargo run" "$work/banner" "$work/banner.out"

sed '1,/^Try it/d' "$work/banner" >"$work/lines"
fenced README.md '<!-- these lines print -->' >"$work/expected"
[[ -s $work/lines && -s $work/expected ]] || fail "README.md shows no lines to try"
run README.md "$work/lines"
compare "README.md, the lines to try" "$work/expected" "$work/lines.out"
say "README.md: ok"

ran=0
for document in docs/*.md; do
  blocks "$document" >"$work/lines"
  [[ -s $work/lines ]] || continue
  sed --quiet 's/^# {/{/p; s/.* # \([0-9]\{3\}\)$/\1/p' "$work/lines" >"$work/expected"
  [[ -s $work/expected ]] || fail "$document: nothing is said of what its lines print"
  run "$document" "$work/lines"
  compare "$document" "$work/expected" "$work/lines.out"
  say "$document: ok, $(wc -l <"$work/expected") lines of output"
  ran=$((ran + 1))
done
((ran > 0)) || fail "no document has a block to run"
