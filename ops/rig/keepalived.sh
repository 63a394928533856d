#!/usr/bin/env bash
# Two load balancers with ops/keepalived/keepalived.conf as it stands, each in a network namespace of its own: one of
# them has the address; when its site answers no more, the other one has it, and it stays there when the first is back.
#
#   keepalived.sh DIR       try it; what keepalived says is in DIR
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/process.sh"

if (($# != 1)); then
    sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}" >&2
    exit 64
fi
dir=$(realpath --canonicalize-missing "$1")
mkdir -p "$dir"
readonly address=10.0.0.10 mark=pqka$$

namespace() { echo "$mark-$1"; }

finish() {
    local place
    for place in 1 2; do
        stop_group "$dir/keepalived-$place.pid" keepalived
        stop_group "$dir/site-$place.pid" openssl
        ip netns delete "$(namespace "$place")" 2>/dev/null || true
    done
}
trap finish EXIT

# inside PLACE PROGRAM FILES ARGUMENTS...: starts a program in a namespace; FILES.pid and FILES.log are its files.
inside() {
    local place=$1 program=$2 files=$3
    shift 3
    setsid ip netns exec "$(namespace "$place")" "$program" "$@" </dev/null >>"$files.log" 2>&1 &
    echo $! >"$files.pid"
    wait_until 10 "$program runs" runs "$files.pid" "$program"
}

start_site() {
    inside "$1" openssl "$dir/site-$1" s_server -quiet -accept 443 -www -cert "$dir/site.crt" -key "$dir/site.key"
}

has_address() { ip netns exec "$(namespace "$1")" ip -brief address show dev eth0 | grep --quiet "$address/"; }
only_has_address() { has_address "$1" && ! has_address "$((3 - $1))"; }

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN=site \
    -keyout "$dir/site.key" -out "$dir/site.crt" 2>/dev/null
for place in 1 2; do ip netns add "$(namespace $place)"; done
ip -netns "$(namespace 1)" link add eth0 type veth peer name eth0 netns "$(namespace 2)"
for place in 1 2; do
    name=$(namespace $place)
    ip -netns "$name" link set lo up
    ip -netns "$name" address add "10.0.0.$place/24" dev eth0
    ip -netns "$name" link set eth0 up
    start_site $place
    inside $place keepalived "$dir/keepalived-$place" --dont-fork --log-console --vrrp --pid "$dir/$place.main" \
        --vrrp_pid "$dir/$place.vrrp" --use-file "$here/../keepalived/keepalived.conf"
done

holds() { only_has_address 1 || only_has_address 2; }
wait_until 30 "one of the two has the address" holds
first=1
if has_address 2; then first=2; fi
second=$((3 - first))
stop_group "$dir/site-$first.pid" openssl
wait_until 30 "the other one has the address" only_has_address $second
start_site $first
answers() { ip netns exec "$(namespace $first)" curl --silent --insecure --output "$dir/answer" https://127.0.0.1/ready; }
wait_until 30 "the first site answers again" answers
only_has_address $second
echo "the address went from $first to $second, and stays there"
