#!/usr/bin/env bash
# Whole resets beside the raw reset of the same Samba: people who answer their questions and choose a new password.
#
#   ops/bench/resets.sh [--quick] [--markdown]       as root, for Samba
#
# Three nodes behind HAProxy. Each person is reset through the site and then by the service account itself, by the same
# modification on a kept LDAPS connection, in turns. step is the request that resets, raw the modification, more the
# difference; whole is everything from the first page to the last, of which most is the grid of 250 ms on which answers are
# given that would tell who exists. cpu_ms is the processor time of the three nodes for a whole reset. At the end what the nodes
# asked of the domain controller, how often, and its mean time, from their /metrics: reset-password is the raw reset as a node
# sees it; read and password-rules come before it within the step, at the same time.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
source "$root/ops/bench/proxied.sh"
source "$root/ops/bench/domain.sh"
seconds=${quick:+8}; seconds=${seconds:-60}

start_domain 40 40
start_served_realm
people register --people 1-32 --fate registered "${service[@]}"
people resets --people 1-4 --at-once 4 --seconds 3 "${service[@]}" >/dev/null
crowds=(1 4 16)
[ -z "$quick" ] || crowds=(1 4)
for at_once in "${crowds[@]}"; do
  people resets --people 1-32 --at-once "$at_once" --seconds "$seconds" --pids "$(joined "${our_pid[@]}")" "${service[@]}" |
    jq -c '{measure: "resets"} + .' | row
done
for n in 1 2 3; do curl -sfk "https://127.0.0.1:2460$n/metrics"; done | awk -F'[" ]' '
  /^pq_directory_request_duration_seconds_sum/ {sum[$2] += $NF}
  /^pq_directory_request_duration_seconds_count/ {count[$2] += $NF}
  END {for (name in count) if (count[name] > 0) printf "%s\t%d\t%.2f\n", name, count[name], sum[name] / count[name] * 1000}' |
  sort | jq -Rc 'split("\t") | {measure: "asked", operation: .[0], times: (.[1] | tonumber), mean_ms: (.[2] | tonumber)}' | row
print_markdown
