#!/usr/bin/env bash
# Everything about Swift: installs it when it is missing, builds the package, compares what is generated with what is
# checked in, and runs the package's tests, all scenarios, the examples, and the code of the documentation.
#
# Usage:   tests/swift.sh [PART...]
#            PART   only these (default: all, in this order):
PARTS=(package scenarios examples docs)
#
# Environment: CARGO_TARGET_DIR, CARGO_BUILD_TARGET (the host), SWIFT_ROOT. Rust is built outside of the Swift root, Swift inside; see swift-run.sh.
set -euo pipefail
cd "$(dirname "$0")/.."

. tests/quick.sh
export SWIFT_BIND=$CARGO_TARGET_DIR${SWIFT_BIND:+:$SWIFT_BIND}
swift() { tests/swift-run.sh "$@"; }

# Runs a function beside a simulator; its announcement is in ITSM_SIMULATOR_STARTUP and, for programs that look into the
# environment, in the variables of the adapter.
beside_simulator() { # FUNCTION
    local line
    coproc simulator { exec "$ITSM_SIMULATOR" --until-stdin-closes; }
    local pid=$simulator_PID input=${simulator[1]}
    read -r line <&"${simulator[0]}"
    (
        export ITSM_SIMULATOR_STARTUP=$line
        eval "$(python3 -c '
import json, os, shlex
it = json.loads(os.environ["ITSM_SIMULATOR_STARTUP"])
account, user, client = it["accounts"][0], it["users"][0], it["oauth_clients"][0]
for name, value in {
    "CITRIX_URL": it["citrix_url"], "SERVICENOW_URL": it["servicenow_url"], "SERVICENOW_HOSTS": "127.0.0.1",
    "ITSM_ADAPTER_ALLOW_PRIVATE_NETWORKS": "true", "CITRIX_CUSTOMER_ID": account["customer_id"],
    "CITRIX_CLIENT_ID": account["client_id"], "CITRIX_CLIENT_SECRET": account["client_secret"],
    "SERVICENOW_CLIENT_ID": client["client_id"], "SERVICENOW_CLIENT_SECRET": client["client_secret"],
    "SERVICENOW_USER": user["user_name"], "SERVICENOW_PASSWORD": user["password"],
}.items():
    print(f"export {name}={shlex.quote(value)}")')"
        "$1"
    )
    exec {input}>&-
    wait "$pid"
}

# Builds and runs a program of a package, beside what BESIDE names, and wants these texts in its output.
wants() { # FOLDER PROGRAM [ARGUMENT...] -- TEXT...
    local folder=$1 out
    local -a command=()
    shift
    while [ "$1" != -- ]; do command+=("$1"); shift; done
    shift
    out=$(${BESIDE:-} tests/swift-run.sh -C "$folder" run -q "${command[@]}" 2>&1) || { printf '%s\n' "$out"; echo "swift.sh: ${command[0]} failed" >&2; return 1; }
    printf '%s\n' "$out"
    for text in "$@"; do
        grep -qF -- "$text" <<<"$out" || { echo "swift.sh: ${command[0]} does not say: $text" >&2; return 1; }
    done
}

part_package() { beside_simulator package; }
package() {
    # The tests measure and change the process they run in: one after another.
    env -u CITRIX_URL -u SERVICENOW_HOSTS -u ITSM_ADAPTER_ALLOW_PRIVATE_NETWORKS \
        tests/swift-run.sh -C bindings-swift test --no-parallel
}

part_scenarios() {
    swift -C tests/runners/swift run -q ScenarioRunner "$PWD/tests/scenarios"
    # A process may end while calls are under way.
    timeout 60 tests/swift-run.sh -C tests/runners/swift run -q ExitInFlight
}

part_examples() { beside_simulator examples; }
examples() {
    local store
    store=$(mktemp -d)
    trap "rm -rf '$store'" EXIT
    export ITSM_ADAPTER_STORE=$store/adapter.db
    wants examples quickstart quickstart/notification.json -- "is registered with" "INC" "the instance shows [["
    # Again over the same store; and no cloud in place of one that nobody knows.
    wants examples quickstart quickstart/notification.json -- "is registered with" "the instance shows [["
    if CITRIX_ENVIRONMENT=moon wants examples quickstart -- >"$store/refused" 2>&1; then return 1; fi
    grep -qF us_government "$store/refused"
    wants examples register-service-account "$CITRIX_CUSTOMER_ID" "$SERVICENOW_URL" -- "days left: 9"
    wants examples deliver-alerts deliver-alerts/alerts.jsonl -- "3 of 3 alerts are incidents"
    # The same lines again, from standard input, make no second incident.
    wants examples deliver-alerts -- "3 of 3 alerts are incidents" <examples/deliver-alerts/alerts.jsonl
    # The end of an alert resolves its incident.
    sed -n '/edge01/s/}$/, "state": "ended"}/p' examples/deliver-alerts/alerts.jsonl |
        wants examples deliver-alerts -- "1 of 1 alerts are incidents"
    # The end of one that was never raised is no incident, and no failure.
    sed -n '/edge01/{s/edge01-offline/never-raised/;s/}$/, "state": "ended"}/p}' examples/deliver-alerts/alerts.jsonl |
        wants examples deliver-alerts -- "0 of 1 alerts are incidents"
    python3 -c '
import json, os, urllib.request
it = json.loads(os.environ["ITSM_SIMULATOR_STARTUP"])
rows = json.load(urllib.request.urlopen(it["control_url"] + "/instances/dev1/tables/incident"))["rows"]
assert any("EDGE01" in row["short_description"] and row["state"] == "6" for row in rows), "it is not resolved"'
    BESIDE=tests/beside_person.py wants examples register-user-consent "$CITRIX_CUSTOMER_ID" "$SERVICENOW_URL" -- \
        "is registered with" "signed in: $SERVICENOW_USER"
    wants examples manage-list -- "registered     available"
}

# The blocks of the documentation, put together: the first is the manifest of a package, all others its program.
part_docs() {
    local package=tests/.cache/swift-docs
    mkdir -p $package/Sources/FirstTenMinutes
    python3 - bindings-swift/README.md $package <<'PYTHON'
import pathlib, re, sys
page, package = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
blocks = re.findall(r"^```swift\n(.*?)^```$", page.read_text(), re.M | re.S)
manifests = [block for block in blocks if block.startswith("// swift-tools-version")]
assert len(manifests) == 1, "one manifest"
(package / "Package.swift").write_text(manifests[0].replace("../itsm-adapter/bindings-swift", str(page.resolve().parent)))
program = "\n".join(block for block in blocks if block not in manifests)
(package / "Sources/FirstTenMinutes/main.swift").write_text(program)
PYTHON
    beside_simulator docs
}
docs() {
    BESIDE=tests/beside_person.py wants tests/.cache/swift-docs FirstTenMinutes -- "registered" "INC" "3 delivered," \
        "consented: $SERVICENOW_USER userAccount" "cancelled"
}

tests/install-swift.sh
bindings-swift/generate.sh --check quick
quick -p itsm-simulator

[ $# -gt 0 ] || set -- "${PARTS[@]}"
for part in "$@"; do
    declare -F "part_$part" >/dev/null || { echo "swift.sh: there is no part $part; there are: ${PARTS[*]}" >&2; exit 2; }
    echo "-- swift: $part"
    "part_$part"
done
