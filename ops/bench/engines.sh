#!/usr/bin/env bash
# Is sled the limit? The log writer's pattern on sled, on fjall behind the same trait, and as plain appends with
# fdatasync to a preallocated file: the floor that the disk sets. In turns, in short rounds.
#
#   ops/bench/engines.sh [--quick] [--markdown]     45 seconds; --quick: 9
. "$(dirname "$0")/common.sh"

seconds=5
if [ -n "$quick" ]; then seconds=1; fi
cargo run --quiet --release -p passquorum-storage --example engines -- "$work" $seconds | row
print_markdown
