#!/usr/bin/env bash
# HAProxy in front of a cluster of three nodes, with ops/haproxy/haproxy.cfg as it stands: what differs is in the
# environment, as for operators.
#
#   haproxy.sh up DIR       write a certificate (trust DIR/ca.crt), start, wait until a node is ready behind it
#   haproxy.sh status DIR   print running or stopped
#   haproxy.sh down DIR     stop it, and prove that no process of it is left
#
# For up:
#   RIG_LISTEN=127.0.0.1:18443   where browsers connect
#   RIG_PLAIN=127.0.0.1:18080    where they connect without TLS
#   RIG_NODES="127.0.0.1:8443 127.0.0.1:8444 127.0.0.1:8445"   address:port of each node's sites
#   RIG_NODE_NAMES="node-1.passquorum node-2.passquorum node-3.passquorum"   what the certificate of each must name
#   RIG_NODE_CA=FILE             the authority that the nodes' certificates are checked against
#   RIG_CONNECTIONS=2000         how many it holds
#   RIG_CHECK_INTERVAL=200ms     how often it asks each node whether it is ready
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/process.sh"
source "$here/certificate.sh"

if (($# != 2)); then
    sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}" >&2
    exit 64
fi
dir=$(realpath --canonicalize-missing "$2")
pid_file=$dir/haproxy.pid

settings=$here/../haproxy/haproxy.cfg

# Only addresses, files and check times differ from what operators are given.
set_environment() {
    local nodes names
    read -r -a nodes <<<"$RIG_NODES"
    read -r -a names <<<"${RIG_NODE_NAMES:-node-1.passquorum node-2.passquorum node-3.passquorum}"
    export PASSQUORUM_HTTP=$RIG_PLAIN PASSQUORUM_HTTPS=$RIG_LISTEN PASSQUORUM_SITE_CERTIFICATE=$dir/site.pem
    export PASSQUORUM_NODE_1=${nodes[0]} PASSQUORUM_NODE_2=${nodes[1]} PASSQUORUM_NODE_3=${nodes[2]}
    export PASSQUORUM_NODE_1_NAME=${names[0]} PASSQUORUM_NODE_2_NAME=${names[1]} PASSQUORUM_NODE_3_NAME=${names[2]}
    export PASSQUORUM_NODES_AUTHORITY=$RIG_NODE_CA PASSQUORUM_CHECK_INTERVAL=${RIG_CHECK_INTERVAL:-200ms}
    export PASSQUORUM_ERROR_PAGES=$here/../haproxy/errors PASSQUORUM_STATS=$dir/stats.sock
    export PASSQUORUM_LOG=stdout PASSQUORUM_CONNECTIONS=${RIG_CONNECTIONS:-2000}
}

serves() {
    runs "$pid_file" haproxy || return 2
    [[ $(curl --silent --output /dev/null --max-time 2 --cacert "$dir/ca.crt" --write-out '%{http_code}' \
        "https://$RIG_LISTEN/ready") == 200 ]]
}

up() {
    : "${RIG_LISTEN:?set RIG_LISTEN to ADDRESS:PORT}" "${RIG_PLAIN:?set RIG_PLAIN to ADDRESS:PORT}"
    : "${RIG_NODES:?set RIG_NODES}" "${RIG_NODE_CA:?set RIG_NODE_CA}"
    RIG_NODE_CA=$(realpath "$RIG_NODE_CA")
    if runs "$pid_file" haproxy; then
        echo "rig: $dir is running already" >&2
        return 0
    fi
    mkdir -p "$dir"
    issue_certificate site
    set_environment
    haproxy -c -f "$settings" >/dev/null
    start_group "$pid_file" "$dir/haproxy.log" haproxy -db -f "$settings"
    wait_until 30 "a ready node answers behind $RIG_LISTEN (see $dir/haproxy.log)" serves || { down; return 1; }
}

down() { stop_group "$pid_file" haproxy; }

status() { if runs "$pid_file" haproxy; then echo running; else echo stopped; fi; }

case $1 in
    up | down | status) "$1" ;;
    *) echo "rig: no command $1: up, down or status" >&2; exit 64 ;;
esac
