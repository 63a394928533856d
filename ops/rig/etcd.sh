#!/usr/bin/env bash
# The peer of the benchmark: a three-node etcd on loopback, 127.0.0.21 to 127.0.0.23, ports 2379 and 2380.
#
#   etcd.sh up DIR       start three nodes on an empty DIR, or again on the data in it, and wait until healthy
#   etcd.sh status DIR   print how many of the three run
#   etcd.sh down DIR     stop them, and prove that no process of theirs is left
#
# The pid of node N is in DIR/N.pid, its log in DIR/N.log. Times in milliseconds:
#   RIG_ETCD_HEARTBEAT_MS=150  RIG_ETCD_ELECTION_MS=1000
set -euo pipefail

source "$(dirname "${BASH_SOURCE[0]}")/process.sh"

if (($# != 2)); then
    sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}" >&2
    exit 64
fi
dir=$2
heartbeat=${RIG_ETCD_HEARTBEAT_MS:-150}
election=${RIG_ETCD_ELECTION_MS:-1000}
nodes=(1 2 3)

address() { echo "127.0.0.2$1"; }

healthy() {
    local node
    for node in "${nodes[@]}"; do runs "$dir/$node.pid" etcd || return 2; done
    ETCDCTL_API=3 etcdctl --command-timeout=2s endpoint health \
        --endpoints="$(address 1):2379,$(address 2):2379,$(address 3):2379"
}

up() {
    mkdir -p "$dir"
    local node members=()
    for node in "${nodes[@]}"; do members+=("n$node=http://$(address "$node"):2380"); done
    for node in "${nodes[@]}"; do
        if runs "$dir/$node.pid" etcd; then continue; fi
        start_group "$dir/$node.pid" "$dir/$node.log" etcd --name "n$node" --data-dir "$dir/n$node" \
            --listen-client-urls "http://$(address "$node"):2379" \
            --advertise-client-urls "http://$(address "$node"):2379" \
            --listen-peer-urls "http://$(address "$node"):2380" \
            --initial-advertise-peer-urls "http://$(address "$node"):2380" \
            --initial-cluster "$(IFS=,; echo "${members[*]}")" \
            --initial-cluster-state new --initial-cluster-token rig \
            --heartbeat-interval "$heartbeat" --election-timeout "$election"
    done
    wait_until 30 "three etcd nodes are healthy (see $dir/*.log)" healthy || { down; return 1; }
}

down() {
    local node
    for node in "${nodes[@]}"; do stop_group "$dir/$node.pid" etcd; done
}

status() {
    local node running=0
    for node in "${nodes[@]}"; do if runs "$dir/$node.pid" etcd; then running=$((running + 1)); fi; done
    echo "$running of ${#nodes[@]} running"
}

case $1 in
    up | down | status) "$1" ;;
    *) echo "rig: no command $1: up, down or status" >&2; exit 64 ;;
esac
