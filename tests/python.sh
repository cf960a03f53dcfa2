#!/usr/bin/env bash
# Everything about Python: builds the wheel, compares the generated stub with the one checked in, installs the wheel
# into a clean environment, and runs the package's tests, the type checkers, all scenarios, the examples and the code of
# the README.
#
# Usage:   tests/python.sh [PART...]
#            PART   only these (default: all, in this order):
PARTS=(package tests types scenarios)
#            stub   writes the generated stub over the one that is checked in; after a change of the operations
#
# Environment: CARGO_TARGET_DIR, CARGO_BUILD_TARGET (the host), PYTHON (python3). Tools go to tests/.cache/python.
set -euo pipefail
cd "$(dirname "$0")/.."

. tests/need.sh
. tests/quick.sh
export PIP_DISABLE_PIP_VERSION_CHECK=1
cache=$PWD/tests/.cache/python
stub=bindings-python/python/itsm_adapter/_native.pyi
TOOLS=(maturin==1.16.0 pytest==9.2.0 mypy==2.4.1)
PYRIGHT=1.1.414

# Two environments: one with the tools and the wheel, one with the wheel alone.
environments() {
    mkdir -p "$cache"
    if [ "$(cat "$cache/tools" 2>/dev/null)" != "${TOOLS[*]}" ]; then
        "${PYTHON:-python3}" -m venv --clear "$cache/venv"
        "$cache/venv/bin/pip" -q install "${TOOLS[@]}"
        echo "${TOOLS[*]}" >"$cache/tools"
    fi
    [ -x "$cache/clean/bin/python" ] || "${PYTHON:-python3}" -m venv --clear "$cache/clean"
}

maturin() { # COMMAND, relative to the package
    (cd bindings-python && "$cache/venv/bin/maturin" "$1" --profile "$ITSM_PROFILE" "${@:2}" 2>"$cache/maturin.log") || { cat "$cache/maturin.log" >&2; return 1; }
}

generate() {
    rm -rf "$cache/stubs"
    # Of what is not stripped: a release tells nothing of itself.
    ITSM_PROFILE=quick maturin generate-stubs -o "$cache/stubs"
    find "$cache/stubs" -name '*.pyi' | head -1
}

part_stub() { cp "$(generate)" "$stub"; }

part_package() {
    quick -p itsm-simulator
    diff -u "$stub" "$(generate)" || { echo "tests/python.sh: the stub is not what the package is; run: tests/python.sh stub" >&2; return 1; }
    rm -rf "$cache/wheels"
    maturin build -o "$cache/wheels"
    for environment in venv clean; do
        "$cache/$environment/bin/pip" -q install --no-deps --no-index --force-reinstall "$cache"/wheels/*.whl
    done
}

part_tests() {
    ITSM_PYTHON=$cache/clean/bin/python "$cache/venv/bin/python" -m pytest -p no:cacheprovider bindings-python
}

part_types() {
    local mypy=("$cache/venv/bin/python" -m mypy --strict --cache-dir "$cache/mypy") path
    "${mypy[@]}" -p itsm_adapter
    # One by one: several of them have the same name.
    for path in examples/*/python/*.py tests/runners/python/run.py; do "${mypy[@]}" "$path"; done
    MYPYPATH=bindings-python/tests "${mypy[@]}" bindings-python/tests/*.py
    [ -e "$cache/pyright/node_modules/pyright/package.json" ] || npm install --silent --no-save --prefix "$cache/pyright" "pyright@$PYRIGHT"
    "$cache/pyright/node_modules/.bin/pyright" -p bindings-python --pythonpath "$cache/venv/bin/python"
}

part_scenarios() {
    for client in blocking asyncio; do "$cache/clean/bin/python" tests/runners/python/run.py "$client"; done
}

need_python
need_node # for pyright
environments
[ $# -gt 0 ] || set -- "${PARTS[@]}"
for part in "$@"; do
    declare -F "part_$part" >/dev/null || { echo "tests/python.sh: there is no part $part; there are: ${PARTS[*]} stub" >&2; exit 2; }
    echo "-- python: $part"
    "part_$part"
done
