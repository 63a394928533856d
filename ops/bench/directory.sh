#!/usr/bin/env bash
# A large domain, and a domain that does not answer, beside ldapsearch on the same controller. Needs root, for Samba.
#
#   ops/bench/directory.sh [--domain DIR] [--users COUNT] [--rounds N]
#
# --domain: a stopped domain of samba.sh at 127.0.0.61 (dc1) with its crowd, which is kept; else one is made with COUNT
#   users (100,000), which takes minutes. Rows are JSON lines. Both sides take turns in each of N rounds (5):
# lists: all users (what `policy users` reads), by ldapsearch with pages of 1,000 and the same two filters and attributes;
#   memory is that of the node at its height.
# name: one name typed on the Self-Service site, and a search for it by a new connection of ldapsearch.
# hanging: the same for a user of the first domain while a second domain's controller is stopped by SIGSTOP: with its domain,
#   while visitors of the second domain wait, and without a domain, for which every domain is asked.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$root"
domain='' users=100000 rounds=5
while (($# > 0)); do
  case $1 in
    --domain) domain=$2 ;;
    --users) users=$2 ;;
    --rounds) rounds=$2 ;;
    *) echo "$1: use --domain, --users or --rounds" >&2; exit 64 ;;
  esac
  shift 2
done
cargo build --quiet --release --locked -p passquorum --bin passquorum
bin=${CARGO_TARGET_DIR:-$root/target}/release/passquorum
for tool in jq curl ldapsearch; do command -v $tool >/dev/null || { echo "$tool is missing: run ops/rig/install.sh" >&2; exit 1; }; done

work=$(mktemp -d "$root/target/bench.XXXXXX")
first=${domain:-$work/first} second=$work/second node_pid=''
first_rig() { RIG_DC_IP=127.0.0.61 RIG_DC_NAME=dc1 ops/rig/samba.sh "$1" "$first"; }
second_rig() { RIG_DC_IP=127.0.0.62 RIG_DC_NAME=dc1 RIG_REALM=AWAY.EXAMPLE.TEST ops/rig/samba.sh "$1" "$second"; }
second_group() { kill -"$1" -- "-$(cat "$second/run/samba.pid")"; }
cleanup() {
  [ -z "$node_pid" ] || { kill "$node_pid" && wait "$node_pid" || true; }
  [ ! -e "$second/run/samba.pid" ] || second_group CONT || true
  first_rig down || true
  second_rig down || true
  rm -rf "$work"
}
trap cleanup EXIT

if [ -z "$domain" ]; then
  first_rig restore
  ops/rig/crowd.py "$users" "$first"
fi
# A group of five groups of 200 users each.
nested=CN=Crowd-All,OU=Crowd,DC=corp,DC=example,DC=test
database=(-H "$first/private/sam.ldb" --configfile="$first/etc/smb.conf")
groups() {
  local g n
  for g in 1 2 3 4 5; do
    printf 'dn: %s\nobjectClass: group\nsAMAccountName: Crowd-%d\n' "${nested/All/$g}" "$g"
    for ((n = g * 200 - 199; n <= g * 200; n++)); do echo "member: ${nested/Crowd-All/crowd$n}"; done
    echo
  done
  printf 'dn: %s\nobjectClass: group\nsAMAccountName: Crowd-All\n' "$nested"
  for g in 1 2 3 4 5; do echo "member: ${nested/All/$g}"; done
}
ldbsearch "${database[@]}" -s base -b "$nested" dn >/dev/null 2>&1 || groups | ldbadd "${database[@]}" >/dev/null

first_rig up
second_rig restore
second_rig up

# --- a realm of one node that serves both domains --------------------------------------------------------------------
base=DC=corp,DC=example,DC=test
data=$work/node-1 site=https://127.0.0.1:24700
pq() { PASSQUORUM_DIR=$data "$bin" "$@"; }
pq init --name node-1 --site-address "${site#https://}" --cluster-address 127.0.0.1:24701 >/dev/null
PASSQUORUM_DIR=$data "$bin" run > "$work/node.log" 2>&1 &
node_pid=$!
for _ in $(seq 1 200); do curl -sfk "$site/ready" >/dev/null && break; sleep 0.1; done
connect() { # alias, address, base, domain, authorities
  echo Svc-Passw0rd-sspr1 | pq connection set --alias "$1" --server "ldaps://$2" --base "$3" --authorities "$5" \
    --bind-name "svc-sspr@$4" --json >/dev/null
}
connect CORP 127.0.0.61 $base corp.example.test "$first/tls/ca.crt"
connect AWAY 127.0.0.62 DC=away,DC=example,DC=test away.example.test "$second/tls/ca.crt"
pq policy add --name Crowd --alias CORP --ou "OU=Crowd,$base" >/dev/null

# --- both sides -----------------------------------------------------------------------------------------------------
now_ms() { date +%s%3N; }
peer() { # filter, more for ldapsearch
  local filter=$1; shift
  LDAPTLS_CACERT=$first/tls/ca.crt ldapsearch -x -LLL -H ldaps://127.0.0.61 -D svc-sspr@corp.example.test \
    -w Svc-Passw0rd-sspr1 -b $base "$@" "$filter" objectGUID sAMAccountName
}
person='(&(objectCategory=person)(objectClass=user)(sAMAccountType=805306368)'
peak_mb() { awk '/^VmHWM/ {printf "%.1f", $2 / 1024}' "/proc/$node_pid/status"; }
declare -A taken=()
note() { taken[$1]+="$2 "; }
spread() { # name: median, least, most
  tr ' ' '\n' <<<"${taken[$1]}" | sed '/^$/d' | sort -n | awk '{v[NR] = $1} END {
    m = NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2
    printf "{\"median\": %s, \"least\": %s, \"most\": %s}", m, v[1], v[NR]}'
}
both() { # measure, more fields of jq
  jq -nc --arg measure "$1" --argjson ours_ms "$(spread ours)" --argjson ldapsearch_ms "$(spread peer)" \
    --arg load "$(cut -d' ' -f1 /proc/loadavg)" "${@:2}"
  taken=()
}

# One name, as a visitor types it: the page with the form, then the form. Only the form is timed.
ask() { # name
  local page path=/self-service/start/forgot-password csrf jar; jar=$(mktemp -p "$work")
  page=$(curl -sfk -c "$jar" "$site$path")
  csrf=$(grep -o 'name="csrf" value="[^"]*"' <<<"$page" | head -1 | sed 's/.*value="//; s/"//')
  curl -sk -b "$jar" -c "$jar" -o "$jar.answer" -w '%{time_total}' --max-time 60 "$site$path" \
    --data-urlencode "csrf=$csrf" --data-urlencode "name=$1" | awk '{printf "%d", $1 * 1000}'
  cp "$jar.answer" "$work/last.answer"
}
# What the last page said: an error's code, or else its heading.
said() { grep -o 'PQ-[A-Z-]*' "$work/last.answer" || sed -n 's/.*<h1[^>]*>\([^<]*\).*/\1/p' "$work/last.answer"; }

lists() { # measure, more filters for ldapsearch
local measure=$1 before listed=0 begin filter; shift
before=$(peak_mb)
for _ in $(seq 1 "$rounds"); do
  begin=$(now_ms); counted=$(pq policy users --json); note ours $(($(now_ms) - begin))
  begin=$(now_ms)
  for filter in '(|(comment=pq1:*))' "$@"; do peer "$person$filter)" -E pr=1000/noprompt >/dev/null; done
  listed=$(peer "$person)" -E pr=1000/noprompt | grep -c '^dn: ')
  note peer $(($(now_ms) - begin))
done
both "$measure" --argjson users "$(jq .users <<<"$counted")" --argjson peer_users "$listed" --arg before "$before" \
  --arg after "$(peak_mb)" '{measure: $measure, users: $users, ldapsearch_users: $peer_users, ours_ms: $ours_ms,
    ldapsearch_ms: $ldapsearch_ms, users_per_second: ($users / $ours_ms.median * 1000 | floor),
    peak_mb_before: $before, peak_mb_after: $after, load: $load,
    policies: $policies}' --argjson policies "$(jq -c '[.policies[] | [.name, .users]]' <<<"$counted")"
}
lists lists
pq policy add --name Nested --alias CORP --group "$nested" >/dev/null
lists lists_and_a_nested_group "(memberOf:1.2.840.113556.1.4.1941:=$nested)"

names() { # measure, how a name is written
  local n
  for n in $(seq 1 $((rounds * 4))); do
    note ours "$(ask "$2crowd$((n * 37))")"
    begin=$(now_ms); peer "$person(sAMAccountName=crowd$((n * 37))))" >/dev/null; note peer $(($(now_ms) - begin))
  done
  both "$1" '{measure: $measure, ours_ms: $ours_ms, ldapsearch_ms: $ldapsearch_ms, load: $load}'
}
names name 'CORP\'
second_group STOP
names name_while_the_other_domain_hangs 'CORP\'
# Several visitors of the hanging domain wait meanwhile.
waiting=()
for n in 1 2 3 4 5 6 7 8 9 10; do
  (ask "AWAY\\alice"; echo) > "$work/away.$n" & waiting+=($!)
done
names name_while_visitors_wait_for_the_other_domain 'CORP\'
wait "${waiting[@]}" || true
begin=$(now_ms)
ask crowd37 > /dev/null
jq -nc --argjson ms $(($(now_ms) - begin)) --arg answer "$(said)" \
  '{measure: "name_without_a_domain_while_one_hangs", ms: $ms, answer: $answer}'
second_group CONT
jq -nc --arg waited "$(cat "$work"/away.* | tr '\n' ' ')" '{measure: "visitors_of_the_hanging_domain", waited_ms: ($waited | split(" ") | map(select(. != "") | tonumber) | sort)}'
