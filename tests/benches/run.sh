#!/usr/bin/env bash
# Measures the bindings against what people would use instead. Not part of tests/run: it takes minutes, and its numbers
# mean something on a quiet machine only.
#
# Usage:   tests/benches/run.sh [LANGUAGE...]    (default: python node swift)
#
# Builds what people install, with link-time optimisation, which takes minutes (ITSM_PROFILE=quick: without); installs
# the peers into tests/.cache/benches and nowhere else, and talks to loopback alone.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/need.sh
export ITSM_PROFILE=${ITSM_PROFILE:-release}
. tests/quick.sh

[ $# -gt 0 ] || set -- python node swift
cache=$PWD/tests/.cache/benches
mkdir -p "$cache"

cargo build -q --profile "$ITSM_PROFILE" -p itsm-adapter --features testing --bench cost
BENCH_CORE=$(find "$CARGO_TARGET_DIR/$CARGO_BUILD_TARGET/$ITSM_PROFILE/deps" -name 'cost-*' -executable -type f -printf '%T@ %p\n' | sort -n | tail -1 | cut -d' ' -f2)
export BENCH_CORE BENCH_PYTHON=$cache/venv/bin/python PEERS=$cache/node/node_modules

python_is_ready() {
    tests/python.sh package
    [ -x "$BENCH_PYTHON" ] || python3 -m venv "$cache/venv"
    "$cache/venv/bin/pip" -q install pysnow==0.7.17 aiohttp==3.14.5 httpx==0.28.1 requests==2.34.2
    "$cache/venv/bin/pip" -q install --no-deps --no-index --force-reinstall tests/.cache/python/wheels/*.whl
}

node_is_ready() {
    need_node
    tests/node.sh build
    [ -d "$PEERS/undici" ] || npm install --silent --no-save --no-audit --no-fund --prefix "$cache/node" undici@7.30.2
}

swift_is_ready() {
    tests/install-swift.sh
    bindings-swift/generate.sh --check "$ITSM_PROFILE"
    tests/swift-run.sh -C tests/benches/swift build -q -c release
}

for language in "$@"; do "${language}_is_ready"; done
python3 tests/benches/run.py "$@"
