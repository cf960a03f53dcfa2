#!/usr/bin/env bash
# The consent against what this project did not write: a certified OAuth server (the npm package oidc-provider) and a
# real browser (Debian's Chromium, driven by playwright-core). Everything runs on loopback and ends with the test.
#
# Usage:   tests/consent.sh [PART...]
#            PART      only these (default: all, in this order):
PARTS=(oidc browser)
#
# Environment: CARGO_TARGET_DIR; CHROMIUM (found by name); ITSM_SCREENSHOTS, where pictures of our pages go
# (tests/.cache/consent/screenshots).
set -euo pipefail
cd "$(dirname "$0")/.."
. tests/need.sh

export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target}
package=$PWD/tests/consent
cache=$PWD/tests/.cache/consent
mkdir -p "$cache"

fail() { echo "tests/consent.sh: $*" >&2; exit 1; }

# The packages of the lock file, once for each lock file. Node finds them beside the programs that ask for them.
packages_are_there() {
    ! grep -q '"resolved"' "$package/package-lock.json" || fail "package-lock.json records addresses; make it with npm install --omit-lockfile-registry-resolved"
    cmp -s "$package/package-lock.json" "$cache/package-lock.json" && [ -d "$package/node_modules" ] && return
    (cd "$package" && timeout 300 npm ci --no-audit --no-fund --loglevel error)
    cp "$package/package-lock.json" "$cache/package-lock.json"
}

# Building takes as long as it takes; only the test is bounded.
part_oidc() {
    local oidc=(-p itsm-adapter --features testing --test oidc)
    cargo test -q --no-run "${oidc[@]}"
    timeout 600 cargo test "${oidc[@]}"
}

part_browser() {
    need chromium -- chromium fonts-dejavu-core
    CHROMIUM=${CHROMIUM:-$(command -v chromium)}
    export CHROMIUM
    cargo build -q -p itsm-simulator -p consent-desk -p itsm-adapter-examples --bins
    export ITSM_SIMULATOR=$CARGO_TARGET_DIR/debug/itsm-simulator
    export ITSM_DESK=$CARGO_TARGET_DIR/debug/consent-desk
    export ITSM_CONSENT_APP=$CARGO_TARGET_DIR/debug/register-user-consent
    export ITSM_SCREENSHOTS=${ITSM_SCREENSHOTS:-$cache/screenshots}
    (cd "$package" && timeout 300 node --test --test-reporter spec desk.test.mjs application.test.mjs)
}

need_node
packages_are_there
[ $# -gt 0 ] || set -- "${PARTS[@]}"
for part in "$@"; do
    declare -F "part_$part" >/dev/null || fail "there is no part $part; there are: ${PARTS[*]}"
    echo "-- consent: $part"
    "part_$part"
done
