#!/usr/bin/env bash
# Drives the page at /docs in headless Chromium, as a person would: registers a client, gets a token, sees it decoded and
# verified, is refused with a wrong secret, and revokes the token. Nothing may be loaded from elsewhere, and nothing may
# be reported to the console.
#
#   tests/browser.sh                  also takes the README's screenshot, and drops it
#   tests/browser.sh --screenshot     keeps it, in docs/tokenmint-docs.png (needs pngquant)
#
# CHROMIUM names the browser; without it the script looks for one, or installs Debian's.

# shellcheck source=tests/common.sh
source "$(dirname "$0")/common.sh"

browser=$(install_chromium) || {
  say "skipped: $browser"
  exit 0
}
install_interop_tools

cargo build --quiet --locked
port=$(free_port)
# The picture shows the usual address.
[[ ${1:-} != --screenshot ]] || port=9000
url=http://127.0.0.1:$port
start serve env RUST_LOG=warn SCOPES='read write' 'RESOURCES={"https://api.example/v1":"read write"}' \
  "${CARGO_TARGET_DIR:-target}/debug/tokenmint" serve --memory --listen "127.0.0.1:$port"
wait_for 60 "tokenmint serve" "$started" curl --silent --fail "$url/docs"

timeout 180 node tests/interop/browser/docs.js "$browser" "$url" "$work/screenshot.png" | sed "s/^/$script: /"

if [[ ${1:-} == --screenshot ]]; then
  pngquant --quality 70-95 --strip --force --output docs/tokenmint-docs.png "$work/screenshot.png"
  say "docs/tokenmint-docs.png: $(stat --format %s docs/tokenmint-docs.png) bytes"
fi
