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
program=${CARGO_TARGET_DIR:-target}/debug/tokenmint

# serve NAME PORT [OPTION...]: runs a server whose registration is as its name says. Its address is in $url.
serve() {
  local name=$1
  url=http://127.0.0.1:$2
  shift 2
  start "$name" env RUST_LOG=warn REGISTRATION="$name" SCOPES='read write' \
    'RESOURCES={"https://api.example/v1":"read write"}' "$program" serve "$@" --listen "${url#http://}"
  wait_for 60 "tokenmint serve, $name" "$started" curl --silent --fail "$url/docs"
}

serve protected "$(free_port)" --data "$work/protected"
PROTECTED_SERVER=$url
INITIAL_ACCESS_TOKEN=$("$program" registration-token create --data "$work/protected" --uses 1 --expires-in 1h \
  --scope read --json | sed -n 's/.*"initial_access_token": *"\([^"]*\)".*/\1/p')
serve disabled "$(free_port)" --memory
DISABLED_SERVER=$url
export PROTECTED_SERVER INITIAL_ACCESS_TOKEN DISABLED_SERVER
# The picture shows the usual address.
port=9000
[[ ${1:-} == --screenshot ]] || port=$(free_port)
serve open "$port" --memory

timeout 180 node tests/interop/browser/docs.js "$browser" "$url" "$work/screenshot.png" | sed "s/^/$script: /"

if [[ ${1:-} == --screenshot ]]; then
  pngquant --quality 70-95 --strip --force --output docs/tokenmint-docs.png "$work/screenshot.png"
  say "docs/tokenmint-docs.png: $(stat --format %s docs/tokenmint-docs.png) bytes"
fi
