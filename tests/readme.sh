#!/usr/bin/env bash
# Runs the README's lines on the life of a client, as they stand there, against `tokenmint serve`, and
# compares what each prints with the comment at its end.
#
#   tests/readme.sh

source "$(dirname "$0")/common.sh"

cargo build --quiet --locked
port=$(free_port)
start serve env CLIENT_SECRET_OVERLAP=2 cargo run --quiet --locked -- \
  serve --memory --listen "127.0.0.1:$port"
wait_for 60 "tokenmint serve" "$started" curl --silent --fail "http://127.0.0.1:$port/.well-known/jwks.json"

# The lines between the marks, without the fence.
sed -n '/<!-- client life -->/,/<!-- end of client life -->/p' README.md | sed '/^<!--/d; /^```/d' >"$work/lines"
[[ -s $work/lines ]] || fail "the README has no such lines"
sed --in-place "s|^server=.*|server=http://127.0.0.1:$port|" "$work/lines"
grep --only-matching --perl-regexp '# \K[0-9]{3}$' "$work/lines" >"$work/expected"
bash -euo pipefail "$work/lines" >"$work/printed" || fail "a line failed"
diff --unified "$work/expected" "$work/printed" || fail "not what the comments say"
say "ok: $(wc -l <"$work/expected") answers as the README says"
