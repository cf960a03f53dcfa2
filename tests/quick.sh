# Sourced by the scripts of the languages: where they build, so that what they share is compiled once.

export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target}
# napi always builds for an explicit target; so all do, or everything below the core would be compiled twice.
CARGO_BUILD_TARGET=${CARGO_BUILD_TARGET:-$(rustc -vV | sed -n 's/^host: //p')}
export CARGO_BUILD_TARGET
export ITSM_SIMULATOR=$CARGO_TARGET_DIR/$CARGO_BUILD_TARGET/quick/itsm-simulator

# With what profile the languages are built: quick, unless the environment says release, which is what people install.
ITSM_PROFILE=${ITSM_PROFILE:-quick}

quick() { cargo build -q --profile quick "$@"; }
