#!/usr/bin/env bash
# Anonymous visitors of the Self-Service site: three nodes behind HAProxy, over TLS on both sides, by wrk.
#
#   ops/bench/sites.sh [--quick] [--markdown]        as root, since HAProxy changes its user
#
# `mixed` is the front page, the page that asks who one is (with a new cookie and a new CSRF token each time, since nobody
# sends one back) and the stylesheet, in turn; then each on its own. Connections are kept. cpu_us is the processor time of
# the three nodes for one request, proxy_cpu_us that of HAProxy; wrk takes the rest of the machine.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
source "$root/ops/bench/proxied.sh"
seconds=${quick:+2}; seconds=${seconds:-10}

start_proxied_realm
home=/self-service/ identify=/self-service/start/forgot-password
style=$(curl -sf --cacert "$haproxy_dir/ca.crt" "$site$home" | grep -o '/static/[^"]*\.css' | head -1)

traffic() { # name, connections, paths...
  local name=$1 connections=$2 nodes proxy loaded; shift 2
  nodes=$(cpu_ms "${our_pid[@]}") proxy=$(cpu_ms "$haproxy_pid")
  loaded=$(load "$connections" "$seconds" "$@")
  nodes=$(($(cpu_ms "${our_pid[@]}") - nodes)) proxy=$(($(cpu_ms "$haproxy_pid") - proxy))
  jq -c --arg traffic "$name" --argjson connections "$connections" --argjson nodes $nodes --argjson proxy $proxy \
    '{measure: "anonymous", traffic: $traffic, connections: $connections, per_second, p50_ms, p99_ms,
      cpu_us: ($nodes * 1000 / .requests | round), proxy_cpu_us: ($proxy * 1000 / .requests | round), refused, broken}' \
    <<<"$loaded" | row
}
load 32 1 "$home" "$identify" "$style" >/dev/null
for connections in 10 100 1000; do
  traffic mixed $connections "$home" "$identify" "$style"
  traffic home $connections "$home"
  traffic identify $connections "$identify"
  traffic stylesheet $connections "$style"
done
print_markdown
