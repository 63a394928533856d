#!/usr/bin/env bash
# Runs every check of the project, from a fresh Debian 12 machine with a Rust toolchain to the end-to-end tests
# on the real rig. Stops at the first step that fails; prints how long each took. Needs root for the rig.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
readonly deny_version=0.20.2
readonly fresh_seeds=40

# Every process that descends from this run carries the mark in its environment, daemons too.
export PASSQUORUM_TEST_RUN="$$-$RANDOM$RANDOM"

# Prints the id and name of each process of this run other than this shell.
leftovers() {
    local process pid
    for process in /proc/[0-9]*; do
        pid=${process#/proc/}
        if [[ $pid != "$$" && $pid != "$BASHPID" ]] &&
            grep --quiet --null-data --fixed-strings "PASSQUORUM_TEST_RUN=$PASSQUORUM_TEST_RUN" \
                "$process/environ" 2>/dev/null; then
            echo "$pid $(cat "$process/comm" 2>/dev/null)"
        fi
    done
}

finish() {
    local code=$? left
    # An end by a signal comes here with the status of whatever ran last.
    if [[ -z ${completed:-} ]] && ((code == 0)); then code=1; fi
    left=$(leftovers)
    if [[ -n $left ]]; then
        echo "== these processes were left running, and are ended now:" >&2
        echo "$left" >&2
        awk '{ print $1 }' <<<"$left" | xargs --no-run-if-empty kill -KILL 2>/dev/null || true
        ((code != 0)) || code=1
    fi
    if ((code == 0)); then
        echo "== all passed in $SECONDS s${without_previous:+, WITHOUT the upgrade tests}"
    else
        echo "== FAILED${current:+ in: $current}, after $SECONDS s" >&2
    fi
    exit "$code"
}
trap finish EXIT

current=''
# step NAME COMMAND...
step() {
    current=$1
    local start=$SECONDS
    shift
    echo "== $current"
    "$@"
    echo "== $current: $((SECONDS - start)) s"
    current=''
}

# cargo-deny is built once, beside the other build products.
deny() {
    local tool=target/tools/bin/cargo-deny
    if [[ $("$tool" --version 2>/dev/null) != "cargo-deny $deny_version" ]]; then
        cargo install cargo-deny --version "=$deny_version" --locked --quiet --root target/tools
    fi
    # Advisories are fetched from GitHub, which a closed network does not reach: see deny.toml.
    "$tool" --locked check bans licenses sources
}

# Besides the seeds that the tests always run, each commit tries others, and the same ones each time.
simulate() {
    local commit first
    cargo test --package passquorum-simulation --locked
    commit=$(git rev-parse HEAD 2>/dev/null || sha1sum Cargo.lock)
    first=$((16#${commit:0:8}))
    echo "== fresh seeds of this commit; again with:" \
        "cargo run -p passquorum-simulation --bin simulate -- --seeds $first..$((first + fresh_seeds))"
    cargo run --quiet --package passquorum-simulation --bin simulate --locked -- \
        --keep-going --seeds "$first..$((first + fresh_seeds))"
}

# The upgrade tests start the program of the release before, which is built from the history.
without_previous=()
previous_release() {
    local code=0
    ops/previous-release.sh || code=$?
    if ((code == 2)); then
        without_previous=(-- --skip a_realm_is_upgraded_under_load)
        echo "== !!! THE UPGRADE TESTS ARE LEFT OUT: this clone does not hold the release before (git fetch --unshallow)" >&2
        return 0
    fi
    return "$code"
}

step 'install the rig' ops/rig/install.sh
step 'format' cargo fmt --all --check
step 'lint' cargo clippy --workspace --all-targets --locked -- -D warnings
step 'build' cargo build --package passquorum --locked
# The simulation turns planted bugs on in the crates that it links, so it is built and tested on its own; its checker
# judges what the real faults leave, so it comes first.
step 'simulate' simulate
step 'build the release before' previous_release
step 'test' cargo test --workspace --exclude passquorum-simulation --locked "${without_previous[@]}"
step 'licences, bans and sources' deny
completed=yes
