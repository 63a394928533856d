#!/usr/bin/env bash
# How cost grows with the number of audit records, of nodes, and of management policies.
#
#   ops/bench/growth.sh [--quick] [--markdown]     --quick: up to 20,000 records, 5 nodes, 40 policies
#
# records: each write of a label leaves an audit record, of which the state keeps the newest 10,000. At each size: the
#   write rate at 64 clients; memory of the leader; disk of a follower, and its log's share; the newest snapshot and how
#   long it took to build; a killed follower from its start until it is ready; a follower that missed some writes from
#   its start until it has them; a new node from `join` until it has everything, and its memory then.
# nodes: writes at 1 and 64 clients and linearizable reads at 64.
# policies: adding one, reading the whole configuration, a Self-Service page, and label writes at 64 clients.
. "$(dirname "$0")/common.sh"

sizes='1000 10000 100000 1000000' seconds=10 missed=20000 nodes='3 5 7' policies='20 200'
if [ -n "$quick" ]; then sizes='1000 20000' seconds=2 missed=5000 nodes='3 5' policies='20 40'; fi

now_ms() { date +%s%3N; }
took() { # what, command...: milliseconds until it succeeds
  local begin; begin=$(now_ms)
  wait_for "$@"
  echo $(($(now_ms) - begin))
}
rss_mb() { awk '/^VmRSS/ {printf "%d", $2 / 1024}' "/proc/$1/status"; }
disk_mb() { du -sm "$1" | cut -f1; }
store() { echo "$work/realm/node-$1/store"; }
# Its birth is that of the unfinished file, its last change the renaming into place.
snapshot() { find "$(store "$1")/snapshots" -name '*.snapshot' | tail -1; }
snapshot_ms() { stat -c '%.3W %.3Z' "$(snapshot "$1")" 2>/dev/null | awk '{printf "%d", ($2 - $1) * 1000}'; }
snapshot_kb() { du -k "$(snapshot "$1")" 2>/dev/null | cut -f1; }

is_ready() { curl -sfk --max-time 2 "$(endpoint "$1")/ready"; }
follower_of() { local id; for id in "${!our_pid[@]}"; do [ "$id" = "$1" ] || { echo "$id"; return; }; done; }
applied() { api "$1" /api/v1/status | jq -e '.node as $node | .members[] | select(.id == $node) | .applied'; }
has_applied() { local at; at=$(applied "$1") && [ "$at" -ge "$2" ]; }
kill_node() { kill -9 "${our_pid[$1]}"; wait_for 'the killed node is gone' is_gone "${our_pid[$1]}"; }

# A node joins, catches up, and leaves: sets joined_ms and joined_rss_mb.
join_and_leave() { # leader
  local leader dir=$work/joiner site=https://127.0.0.1:24490 target begin id
  leader=$(endpoint "$1")
  rm -rf "$dir"
  PASSQUORUM_JOIN_TOKEN=$(api "$leader" /api/v1/join-tokens -H 'content-type: application/json' \
    -d '{"role":"site-learner","life_seconds":600}' | jq -r .token)
  export PASSQUORUM_JOIN_TOKEN
  target=$(applied "$leader")
  begin=$(now_ms)
  "$bin/passquorum" join --dir "$dir" --name joiner --cluster-address 127.0.0.1:24590 \
    --site-address "${site#https://}" --server "$leader" >> "$work/joiner.log" 2>&1
  joiner_pid=$("$bin/passquorum" run --dir "$dir" >> "$work/joiner.log" 2>&1 & echo $!)
  wait_for 'the new node has caught up' has_applied "$site" "$target"
  joined_ms=$(($(now_ms) - begin)) joined_rss_mb=$(rss_mb "$joiner_pid")
  id=$(api "$site" /api/v1/status | jq .node)
  api "$leader" "/api/v1/nodes/$id" -X DELETE > /dev/null
  wait_for 'the new node has left' is_gone "$joiner_pid"
  joiner_pid=''
}

measure_records() { # how many there are
  local load leader follower target restart_ms catch_up_ms joined_ms joined_rss_mb
  load=$(bench passquorum writes --clients 64 --seconds "$seconds")
  wait_for 'every node has caught up' our_leader
  leader=$(our_leader) follower=$(follower_of "$leader")
  kill_node "$follower"; start_node "$follower"
  restart_ms=$(took 'the follower is ready' is_ready "$follower")
  kill_node "$follower"
  bench passquorum writes --clients 64 --requests $missed --endpoints "$(endpoint "$leader")" --pids '' > /dev/null
  target=$(applied "$(endpoint "$leader")")
  start_node "$follower"
  catch_up_ms=$(took 'the follower has caught up' has_applied "$(endpoint "$follower")" "$target")
  join_and_leave "$leader"
  jq -nc --argjson records "$1" --argjson load "$load" --argjson leader_rss_mb "$(rss_mb "${our_pid[$leader]}")" \
    --argjson disk_mb "$(disk_mb "$(store "$follower")")" --argjson log_mb "$(disk_mb "$(store "$follower")/raft")" \
    --arg snapshot_kb "$(snapshot_kb "$leader")" --arg snapshot_ms "$(snapshot_ms "$leader")" \
    --argjson restart_ms "$restart_ms" --argjson missed $missed --argjson catch_up_ms "$catch_up_ms" \
    --argjson join_ms "$joined_ms" --argjson joined_rss_mb "$joined_rss_mb" \
    '{measure: "audit_records", records: $records, writes_per_second: $load.per_second, p99_ms: $load.p99_ms,
      cpu_us: $load.server_cpu_us_per_op, leader_rss_mb: $leader_rss_mb, disk_mb: $disk_mb, log_mb: $log_mb,
      snapshot_kb: ($snapshot_kb | tonumber? // null), snapshot_ms: ($snapshot_ms | tonumber? // null),
      restart_ms: $restart_ms, missed: $missed, catch_up_ms: $catch_up_ms, join_ms: $join_ms,
      joined_rss_mb: $joined_rss_mb}' | row
}

start_realm
written=0
for size in $sizes; do
  bench passquorum writes --clients 64 --requests $((size - written)) > /dev/null
  written=$size
  measure_records "$size"
done
stop_realm

# --- nodes -----------------------------------------------------------------------------------------------------------
for count in $nodes; do
  start_realm "$count"
  bench passquorum writes --clients 8 --seconds 1 > /dev/null
  jq -nc --argjson nodes "$count" \
    --argjson one "$(bench passquorum writes --clients 1 --seconds "$seconds")" \
    --argjson many "$(bench passquorum writes --clients 64 --seconds "$seconds")" \
    --argjson reads "$(bench passquorum reads --clients 64 --seconds "$seconds")" \
    '{measure: "nodes", nodes: $nodes, writes_1_client: $one.per_second, p50_ms_1_client: $one.p50_ms,
      writes_64_clients: $many.per_second, write_cpu_us: $many.server_cpu_us_per_op,
      reads_64_clients: $reads.per_second, read_cpu_us: $reads.server_cpu_us_per_op}' | row
  stop_realm
done

# --- management policies ---------------------------------------------------------------------------------------------
# The mean of 50 requests over one connection, in milliseconds.
mean_ms() { # path
  local urls=() n
  for n in $(seq 1 50); do urls+=("$(endpoint 1)$1"); done
  curl -sf --cacert "$authority" -H "Authorization: Bearer $token" -w '%{stderr}%{time_total}\n' "${urls[@]}" \
    2>&1 > /dev/null | awk '{sum += $1} END {printf "%.2f", sum / NR * 1000}'
}
add_policy() { "$bin/passquorum" policy add --dir "$work/realm/node-1" --name "P$1" --alias DEMO --ou "OU=P$1,$base"; }
start_realm
base=$(api "$(endpoint 1)" /api/v1/config | jq -r '.policies[0].scope[0].allowed_ous[0]')
have=1
for count in $policies; do
  while [ $have -lt "$count" ]; do have=$((have + 1)); add_policy $have > /dev/null; done
  begin=$(now_ms)
  for n in 1 2 3 4 5; do add_policy "$count-$n" > /dev/null; done
  have=$((have + 5))
  jq -nc --argjson policies "$count" --argjson add_ms $((($(now_ms) - begin) / 5)) \
    --argjson config_kb "$(api "$(endpoint 1)" /api/v1/config | wc -c | awk '{print int($1 / 1024)}')" \
    --argjson read_config_ms "$(mean_ms /api/v1/config)" --argjson page_ms "$(mean_ms /self-service/)" \
    --argjson load "$(bench passquorum writes --clients 64 --seconds "$seconds")" \
    '{measure: "policies", policies: $policies, config_kb: $config_kb, add_ms: $add_ms,
      read_config_ms: $read_config_ms, page_ms: $page_ms, writes_per_second: $load.per_second,
      write_cpu_us: $load.server_cpu_us_per_op}' | row
done
print_markdown
