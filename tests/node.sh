#!/usr/bin/env bash
# Everything about Node: installs the package's tools, builds the addon, compares the generated files with the ones
# checked in, checks the types, and runs the package's tests (which pack it, install it into a clean folder, and run the
# examples and the code of the README there) and all scenarios.
#
# Usage:   tests/node.sh [PART...]
#            PART      only these (default: all, in this order):
PARTS=(build generated types tests scenarios)
#            generate  writes the generated files; after a change of the operations or the model
#
# Environment: CARGO_TARGET_DIR, CARGO_BUILD_TARGET (the host).
set -euo pipefail
cd "$(dirname "$0")/.."

. tests/need.sh
. tests/quick.sh
package=$PWD/bindings-node
cache=$PWD/tests/.cache/node
mkdir -p "$cache"

fail() { echo "tests/node.sh: $*" >&2; exit 1; }

# The tools of the lock file, once for each lock file.
tools_are_there() {
    ! grep -q '"resolved"' "$package/package-lock.json" || fail "package-lock.json records addresses; make it with npm install --omit-lockfile-registry-resolved"
    cmp -s "$package/package-lock.json" "$cache/package-lock.json" && [ -d "$package/node_modules" ] && return
    # It works from a lock file without addresses, as long as that names the optional packages of all platforms.
    (cd "$package" && npm ci --ignore-scripts --no-audit --no-fund --loglevel error)
    cp "$package/package-lock.json" "$cache/package-lock.json"
}

napi_build() { # FOLDER for what is generated
    # The addon goes where the generated loader looks for it.
    (cd "$package" && node_modules/.bin/napi build --platform --profile "$ITSM_PROFILE" --no-const-enum --target "$CARGO_BUILD_TARGET" \
        --output-dir "$1" >"$cache/build.log" 2>&1) || { cat "$cache/build.log" >&2; return 1; }
    node "$package/tidy.mjs" "$1/index.d.ts"
    cp "$1"/*.node "$package"
}

part_build() {
    rm -rf "$cache/generated"
    napi_build "$cache/generated"
    quick -p itsm-simulator
}

part_generated() {
    local file
    for file in index.js index.d.ts; do
        diff -u "$package/$file" "$cache/generated/$file" || fail "$file is not what the addon is; run: tests/node.sh build generate"
    done
}

part_generate() { cp "$cache/generated/index.js" "$cache/generated/index.d.ts" "$package"; }

part_types() { "$package/node_modules/.bin/tsc" -p "$package"; }

part_tests() { (cd "$package" && node --test test/*.test.mjs); }

part_scenarios() { node tests/runners/node/run.mjs; }

need_node
tools_are_there
[ $# -gt 0 ] || set -- "${PARTS[@]}"
for part in "$@"; do
    declare -F "part_$part" >/dev/null || fail "there is no part $part; there are: ${PARTS[*]} generate"
    echo "-- node: $part"
    "part_$part"
done
