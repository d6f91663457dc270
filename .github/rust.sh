#!/usr/bin/env bash
# The one version of Rust that the workflows build with, for both architectures of Lambda.

set -euo pipefail

rustup toolchain install 1.95.0 --no-self-update --profile minimal --component clippy --component rustfmt \
  --target x86_64-unknown-linux-gnu --target aarch64-unknown-linux-gnu
rustup default 1.95.0
