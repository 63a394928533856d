# Sourced behind common.sh: a demo realm behind HAProxy, with ops/haproxy/haproxy.cfg as it stands, and load from wrk.

need wrk haproxy
balancer=127.0.0.1:24443 site=https://127.0.0.1:24443
haproxy_dir=$work/haproxy
stop_balancer() { ops/rig/haproxy.sh down "$haproxy_dir"; }
at_end+=(stop_balancer)

# The nodes are told that the proxy is one, as operators are: else everybody behind it is one source of connections.
start_proxied_realm() {
  start_realm
  stop_realm
  sed -i 's/^trusted_proxies = \[\]$/trusted_proxies = ["127.0.0.1"]/' "$work"/realm/node-*/node.toml
  [ "$(grep -l '^trusted_proxies = \["127.0.0.1"\]$' "$work"/realm/node-*/node.toml | wc -l)" = 3 ]
  continue_realm
  start_balancer $(demo '.nodes[].health | ltrimstr("https://")')
}
# A machine may hold too few files for the 20,000 connections that operators are given.
start_balancer() { # address of each node's sites
  RIG_LISTEN=$balancer RIG_PLAIN=127.0.0.1:24480 RIG_NODE_CA=$authority RIG_NODES="$*" RIG_CONNECTIONS=8000 \
    RIG_CHECK_INTERVAL=1s ops/rig/haproxy.sh up "$haproxy_dir"
  haproxy_pid=$(cat "$haproxy_dir/haproxy.pid")
}

# Processor time of processes so far, in milliseconds: fields 14 and 15 of /proc/PID/stat, of 10 ms each.
cpu_ms() {
  local pid
  for pid in "$@"; do sed 's/.*) //' "/proc/$pid/stat"; done | awk '{ticks += $12 + $13} END {print ticks * 10}'
}
resident_mb() { local pid; for pid in "$@"; do awk '/^VmRSS/ {print $2}' "/proc/$pid/status"; done |
  awk '{sum += $1} END {printf "%.0f", sum / 1024 / NR}'; }

load() { # connections, seconds, paths...: one JSON line
  local connections=$1 seconds=$2; shift 2
  wrk --threads $((connections < 2 ? 1 : 2)) --connections "$connections" --duration "${seconds}s" --timeout 10s \
    --script ops/bench/sites.lua "$site" -- "$@" | tail -1
}
