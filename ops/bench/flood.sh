#!/usr/bin/env bash
# A stranger who asks for new cookies and new CSRF tokens as fast as the machine lets him: what is left for others.
#
#   ops/bench/flood.sh [--quick] [--markdown]        as root, for Samba
#
# Three nodes behind HAProxy. Before, during and after it: the rate of the page that asks who one is, by 10 connections, then
# whole resets of four people at a time, most of whose time is the grid of 250 ms on which answers are given that would tell
# who exists. The flood are 100 connections that ask for the same page and never send a cookie back.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
source "$root/ops/bench/proxied.sh"
source "$root/ops/bench/domain.sh"
seconds=${quick:+3}; seconds=${seconds:-10}

start_domain 20 20
start_served_realm
people register --people 1-4 --fate registered "${service[@]}"
path=/self-service/start/forgot-password

phase() { # name
  local pages resets
  pages=$(load 10 "$seconds" "$path")
  resets=$(people resets --people 1-4 --at-once 4 --seconds "$seconds")
  jq -nc --arg phase "$1" --argjson pages "$pages" --argjson resets "$resets" --argjson mb "$(resident_mb "${our_pid[@]}")" \
    '{measure: "flood", phase: $phase, pages_per_second: $pages.per_second, page_p50_ms: $pages.p50_ms,
      page_p99_ms: $pages.p99_ms, refused: ($pages.refused + $pages.broken), resets_per_second: $resets.per_second,
      reset_step_p50_ms: $resets.step_p50_ms, reset_step_p99_ms: $resets.step_p99_ms, whole_reset_p50_ms: $resets.whole_p50_ms,
      node_mb: $mb}' | row
}
load 10 2 "$path" >/dev/null
phase before
load 100 $((seconds * 2 + 2)) "$path" > "$work/flood.json" &
flood=$!
phase during
wait $flood
phase after
jq -c '{measure: "flood itself", seconds: '$((seconds * 2 + 2))', tokens: .requests, per_second, p50_ms, p99_ms,
  refused: (.refused + .broken)}' "$work/flood.json" | row
print_markdown
