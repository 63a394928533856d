#!/usr/bin/env bash
# From kill -9 of the leader to the next acknowledged write, of a three-node realm beside a three-node etcd with the same
# election timeout, in turns.
#
#   ops/bench/failover.sh [--quick] [--markdown]     20 kills each, about 3 minutes; --quick: 3 kills
. "$(dirname "$0")/common.sh"

kills=20
if [ -n "$quick" ]; then kills=3; fi

without() { tr , '\n' <<< "$1" | grep -vxF "$2" | paste -sd,; }
etcd_leader() {
  ctl endpoint status -w json | jq -er '[.[] | select(.Status.leader == .Status.header.member_id) | .Endpoint][0]'
}

start_etcd_cluster
start_realm
for _ in $(seq 1 $kills); do
  wait_for 'all three nodes of the realm have caught up' our_leader
  leader=$(our_leader)
  bench passquorum failover --endpoints "$(without "$our_endpoints" "$(endpoint "$leader")")" \
    --kill "${our_pid[$leader]}" >> "$work/ours"
  wait_for 'the killed node is gone' is_gone "${our_pid[$leader]}"
  start_node "$leader"

  wait_for 'etcd is healthy' ctl endpoint health
  leader=$(etcd_leader)
  n=$((${leader##*:} - $(client_port 0)))
  bench etcd failover --endpoints "$(without "$etcd_endpoints" "$leader")" --kill "${etcd_pid[$n]}" >> "$work/etcd"
  wait_for 'the killed etcd is gone' is_gone "${etcd_pid[$n]}"
  start_etcd "$n"
done
jq -nc --slurpfile o "$work/ours" --slurpfile e "$work/etcd" '
  def middle: map(.failover_ms) | sort | {min: .[0], median: .[length / 2 | floor], max: .[-1]};
  ($o | middle) as $om | ($e | middle) as $em |
  {measure: "failover_ms", kills: ($o | length), ours: $om.median, etcd: $em.median,
   ratio: (100 * $om.median / $em.median | round / 100), ours_min: $om.min, ours_max: $om.max,
   etcd_min: $em.min, etcd_max: $em.max}' | row
print_markdown
