#!/usr/bin/env bash
# Builds the Rust side, puts the static library into lib/, and writes the generated Swift sources and headers.
#
# Usage:   generate.sh [--check] [PROFILE]
#            --check   write nothing but the library; fail when what is checked in is not what would be generated
#            PROFILE   of cargo (default: release)
#
# The sources are made from the static library: stripping takes uniffi's metadata out of a shared one.
set -euo pipefail
cd "$(dirname "$0")"

check=no
[ "${1:-}" != --check ] || { check=yes; shift; }
profile=${1:-release}
target=${CARGO_TARGET_DIR:-../target}

cargo build -q --profile "$profile" -p itsm-adapter-swift
cargo build -q -p itsm-adapter-swift-bindgen
built=$target/${CARGO_BUILD_TARGET:+$CARGO_BUILD_TARGET/}$profile/libitsm_adapter_swift.a
mkdir -p lib
if ! cmp -s "$built" lib/libitsm_adapter_swift.a || [ ! -e lib/fingerprint.h ]; then
    cp "$built" lib/
    printf '#define ITSM_ADAPTER_FINGERPRINT "%s"\n' "$(cksum <"$built")" >lib/fingerprint.h
fi

out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
"$target/${CARGO_BUILD_TARGET:+$CARGO_BUILD_TARGET/}debug/uniffi-bindgen-swift" --config uniffi.toml --swift-sources --headers --modulemap \
    --module-name ItsmAdapterFFI --modulemap-filename module.modulemap "$built" "$out"
sed -i 's/[[:space:]]*$//' "$out"/*

for file in "$out"/*; do
    case $file in
    *.swift) to=Sources/ItsmAdapter/Generated ;;
    *) to=Sources/ItsmAdapterFFI/include ;;
    esac
    if [ $check = yes ]; then
        diff -u "$to/$(basename "$file")" "$file" || { echo "generate.sh: run bindings-swift/generate.sh, and check in what it writes" >&2; exit 1; }
    else
        mkdir -p $to
        cmp -s "$file" "$to/$(basename "$file")" || cp "$file" $to/
    fi
done
