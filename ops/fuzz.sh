#!/usr/bin/env bash
# Fuzzes one target after another: ops/fuzz.sh [--minutes M] [TARGET...]; all targets, one minute each, by default.
# Needs nightly Rust and a C++ compiler. Prints a JSON line per target; exits 1 when one of them found something.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
readonly fuzz_version=0.13.2
# A finding is also: more memory than this in all or at once (MiB), or more time than this for one input (seconds).
readonly memory=2048 allocation=256 patience=10
readonly built=target/fuzz/x86_64-unknown-linux-gnu/release

minutes=1
if [[ ${1:-} == --minutes ]]; then
    minutes=${2:?'--minutes takes a number'}
    shift 2
fi
mapfile -t known < <(basename --suffix=.rs fuzz/fuzz_targets/*.rs)
targets=("$@")
((${#targets[@]})) || targets=("${known[@]}")
for target in "${targets[@]}"; do
    if [[ ! -f fuzz/fuzz_targets/$target.rs ]]; then
        echo "$target is no target; there are: ${known[*]}" >&2
        exit 2
    fi
done

# cargo-fuzz is built once, beside the other build products.
if [[ $(target/tools/bin/cargo-fuzz --version 2>/dev/null) != "cargo-fuzz $fuzz_version" ]]; then
    cargo install cargo-fuzz --version "=$fuzz_version" --locked --quiet --root target/tools
fi
PATH=$PWD/target/tools/bin:$PATH cargo +nightly fuzz build --fuzz-dir fuzz --target-dir target/fuzz >&2

# The number after the last NAME in a log, or 0.
last() {
    grep --only-matching --extended-regexp "$1 *[0-9]+" "$2" | tail --lines=1 | grep --only-matching '[0-9]*$' || echo 0
}

all=0
for target in "${targets[@]}"; do
    found=target/fuzz/findings/$target
    grown=target/fuzz/corpus/$target
    log=target/fuzz/$target.log
    rm -rf "$found"
    mkdir -p "$found" "$grown"
    start=$SECONDS
    nice -n 19 "$built/$target" -max_total_time=$((minutes * 60)) -rss_limit_mb=$memory \
        -malloc_limit_mb=$allocation -timeout=$patience -print_final_stats=1 -artifact_prefix="$found/" \
        "$grown" "fuzz/corpus/$target" >"$log" 2>&1 || echo "$target stopped early: see $log and $found" >&2
    findings=$(find "$found" -type f | wc -l)
    all=$((all + findings))
    printf '{"target":"%s","seconds":%d,"executions":%d,"coverage":%d,"findings":%d}\n' "$target" \
        $((SECONDS - start)) "$(last 'stat::number_of_executed_units:' "$log")" "$(last 'cov:' "$log")" "$findings"
done
((all == 0))
