#!/usr/bin/env bash
# HAProxy in front of a cluster, as in ops/haproxy/haproxy.cfg, with the addresses of a test filled in.
#
#   haproxy.sh up DIR       write DIR/haproxy.cfg and a certificate (trust DIR/ca.crt), start, wait until a
#                           node is ready behind it
#   haproxy.sh status DIR   print running or stopped
#   haproxy.sh down DIR     stop it, and prove that no process of it is left
#
# For up:
#   RIG_LISTEN=127.0.0.1:18443   where browsers connect
#   RIG_NODES="1=127.0.0.1:8443/8444 2=..."   name=address:port of the sites/port of the health endpoint
#   RIG_NODE_CA=FILE             the authority that the nodes' certificates are checked against
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/process.sh"

if (($# != 2)); then
    sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}" >&2
    exit 64
fi
dir=$(realpath --canonicalize-missing "$2")
pid_file=$dir/haproxy.pid

issue_certificate() {
    [[ ! -s $dir/site.pem ]] || return 0
    (
        cd "$dir"
        umask 077
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 \
            -subj "/CN=Rig site CA" -addext basicConstraints=critical,CA:TRUE -keyout ca.key -out ca.crt
        openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost \
            -keyout site.key -out site.csr
        printf '%s\n' "subjectAltName=DNS:localhost,IP:${RIG_LISTEN%:*}" extendedKeyUsage=serverAuth \
            basicConstraints=CA:FALSE >site.ext
        openssl x509 -req -in site.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 3650 \
            -extfile site.ext -out site.crt
        cat site.crt site.key >site.pem
        rm site.csr site.ext
    ) 2>"$dir/openssl.log" || { cat "$dir/openssl.log" >&2; return 1; }
}

# The operators' file is the template: only addresses, files and check times differ.
write_settings() {
    local servers=() node name place health
    for node in $RIG_NODES; do
        name=${node%%=*} place=${node#*=}
        health=${place#*/} place=${place%/*}
        servers+=("    server node-$name $place check port $health ssl check-ssl verify required ca-file $RIG_NODE_CA")
    done
    sed -e '/^    server /d' -e '/^frontend plain/,/^$/d' -e '/^    \(user\|group\|chroot\|stats\) /d' \
        -e "s|bind :443 .*|bind $RIG_LISTEN ssl crt $dir/site.pem alpn h2,http/1.1|" \
        -e 's|inter 1s|inter 200ms|' -e 's|maxconn 20000|maxconn 2000|' \
        -e 's|log /dev/log local0|log stdout format raw local0|' \
        "$here/../haproxy/haproxy.cfg" >"$dir/haproxy.cfg"
    printf '%s\n' "${servers[@]}" >>"$dir/haproxy.cfg"
    haproxy -c -f "$dir/haproxy.cfg" >/dev/null
}

serves() {
    runs "$pid_file" haproxy || return 2
    [[ $(curl --silent --output /dev/null --max-time 2 --cacert "$dir/ca.crt" --write-out '%{http_code}' \
        "https://$RIG_LISTEN/") != @(000|503) ]]
}

up() {
    : "${RIG_LISTEN:?set RIG_LISTEN to ADDRESS:PORT}" "${RIG_NODES:?set RIG_NODES}" "${RIG_NODE_CA:?set RIG_NODE_CA}"
    RIG_NODE_CA=$(realpath "$RIG_NODE_CA")
    if runs "$pid_file" haproxy; then
        echo "rig: $dir is running already" >&2
        return 0
    fi
    mkdir -p "$dir"
    issue_certificate
    write_settings
    start_group "$pid_file" "$dir/haproxy.log" haproxy -db -f "$dir/haproxy.cfg"
    wait_until 30 "a ready node answers behind $RIG_LISTEN (see $dir/haproxy.log)" serves || { down; return 1; }
}

down() { stop_group "$pid_file" haproxy; }

status() { if runs "$pid_file" haproxy; then echo running; else echo stopped; fi; }

case $1 in
    up | down | status) "$1" ;;
    *) echo "rig: no command $1: up, down or status" >&2; exit 64 ;;
esac
