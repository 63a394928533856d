#!/usr/bin/env bash
# Committed writes per second and failover time of a three-node realm beside a three-node etcd: same machine, same
# disk, same client, same run, in turns. Prints one JSON line per row.
#
#   ops/bench/etcd.sh [--quick]     --quick: shorter rows and fewer kills, under 50 s once the binaries are built
#
# Both serve HTTPS with kept connections and speak mutual TLS between their nodes. etcd is Debian's etcd-server, asked
# through its JSON gateway: the same HTTP/1.1 client sends both the same 256-byte values.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
cd "$root"

seconds=10 kills=20 rounds=2
if [ "${1:-}" = --quick ]; then seconds=3 kills=3 rounds=1; fi
heartbeat_ms=100 election_ms=500

for tool in etcd etcdctl jq openssl curl; do
  command -v "$tool" >/dev/null || { echo "$tool is missing: run ops/rig/install.sh first" >&2; exit 1; }
done
cargo build --quiet --release -p passquorum -p passquorum-tests --bin passquorum --bin bench
bin=${CARGO_TARGET_DIR:-$root/target}/release

work=$(mktemp -d "$root/target/bench.XXXXXX")
demo_pid=''
declare -A etcd_pid=()
cleanup() {
  local pids=("${etcd_pid[@]}")
  [ -n "$demo_pid" ] && pids+=("$demo_pid")
  [ ${#pids[@]} -gt 0 ] && kill "${pids[@]}" 2>/dev/null || true
  for pid in "${pids[@]}"; do until is_gone "$pid"; do sleep 0.05; done; done
  rm -rf "$work"
}
trap cleanup EXIT

# --- etcd: own authority, one certificate for all three -------------------------------------------------------------
tls=$work/tls; mkdir -p "$tls"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=bench-ca \
  -keyout "$tls/ca.key" -out "$tls/ca.crt" 2>/dev/null
openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=etcd -keyout "$tls/etcd.key" \
  -out "$tls/etcd.csr" 2>/dev/null
printf 'subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth,clientAuth\n' > "$tls/ext"
openssl x509 -req -in "$tls/etcd.csr" -CA "$tls/ca.crt" -CAkey "$tls/ca.key" -CAcreateserial -days 2 \
  -extfile "$tls/ext" -out "$tls/etcd.crt" 2>/dev/null

client_port() { echo $((23790 + $1)); }
peer_port() { echo $((23890 + $1)); }
peers=''
for n in 1 2 3; do peers+="${peers:+,}e$n=https://127.0.0.1:$(peer_port $n)"; done
etcd_endpoints=$(for n in 1 2 3; do printf 'https://127.0.0.1:%s\n' "$(client_port $n)"; done | paste -sd,)
# In a shell of its own, so that this one does not report the kills that are the point of it.
start_etcd() { etcd_pid[$1]=$(run_etcd "$1" >> "$work/e$1.log" 2>&1 & echo $!); }
run_etcd() {
  exec etcd --name "e$1" --data-dir "$work/e$1" --initial-cluster "$peers" --initial-cluster-state new \
    --listen-client-urls "https://127.0.0.1:$(client_port "$1")" \
    --advertise-client-urls "https://127.0.0.1:$(client_port "$1")" \
    --listen-peer-urls "https://127.0.0.1:$(peer_port "$1")" \
    --initial-advertise-peer-urls "https://127.0.0.1:$(peer_port "$1")" \
    --cert-file "$tls/etcd.crt" --key-file "$tls/etcd.key" \
    --peer-cert-file "$tls/etcd.crt" --peer-key-file "$tls/etcd.key" \
    --peer-client-cert-auth --peer-trusted-ca-file "$tls/ca.crt" \
    --heartbeat-interval "$heartbeat_ms" --election-timeout "$election_ms" \
    --logger zap --log-level error
}
ctl() { ETCDCTL_API=3 etcdctl --cacert "$tls/ca.crt" --endpoints "$etcd_endpoints" "$@"; }
wait_for() { # what, command...
  local what=$1 n; shift
  for n in $(seq 1 600); do "$@" >/dev/null 2>&1 && return 0; sleep 0.05; done
  echo "timed out: $what" >&2; exit 1
}
# A zombie is gone: it waits only for the machine's first process to notice.
is_gone() { ! grep -qE '^State:[[:space:]]+[^Z]' "/proc/$1/status" 2>/dev/null; }
for n in 1 2 3; do start_etcd $n; done
wait_for 'etcd is healthy' ctl endpoint health

# --- passquorum: the demo realm --------------------------------------------------------------------------------------
"$bin/passquorum" demo --dir "$work/realm" --base-port 24400 --json > "$work/demo.json" 2> "$work/demo.log" &
demo_pid=$!
wait_for 'the realm is ready' test -s "$work/demo.json"
demo() { jq -r "$1" "$work/demo.json"; }
our_endpoints=$(demo '[.nodes[].health] | join(",")')
token=$(demo .api_token)
authority=$(demo .authority)

bench() { # system, verb, options...
  local system=$1 verb=$2; shift 2
  case $system in
    passquorum) "$bin/bench" "$verb" --system passquorum --ca "$authority" --token "$token" "$@" ;;
    etcd) "$bin/bench" "$verb" --system etcd --ca "$tls/ca.crt" "$@" ;;
  esac
}

# --- writes: in turns, the best of the rounds of each ----------------------------------------------------------------
bench passquorum writes --endpoints "$our_endpoints" --clients 8 --seconds 1 > /dev/null
bench etcd writes --endpoints "$etcd_endpoints" --clients 8 --seconds 1 > /dev/null
for clients in 1 16 64; do
  for _ in $(seq 1 $rounds); do
    bench passquorum writes --endpoints "$our_endpoints" --clients $clients --seconds $seconds >> "$work/ours.$clients"
    bench etcd writes --endpoints "$etcd_endpoints" --clients $clients --seconds $seconds >> "$work/etcd.$clients"
  done
  jq -nc --slurpfile o "$work/ours.$clients" --slurpfile e "$work/etcd.$clients" '
    def best: max_by(.writes_per_second);
    ($o | best) as $o | ($e | best) as $e |
    {measure: "writes_per_second", clients: $o.clients, ours: $o.writes_per_second, etcd: $e.writes_per_second,
     ratio: (100 * $o.writes_per_second / $e.writes_per_second | round / 100),
     ours_p50_ms: $o.p50_ms, etcd_p50_ms: $e.p50_ms, ours_p99_ms: $o.p99_ms, etcd_p99_ms: $e.p99_ms,
     ours_errors: $o.errors, etcd_errors: $e.errors}'
done

# --- failover: kill -9 of the leader to the next acknowledged write ---------------------------------------------------
status() { curl -sf --max-time 2 --cacert "$authority" -H "Authorization: Bearer $token" "$1/api/v1/status"; }
our_leader() {
  local url id
  for url in ${our_endpoints//,/ }; do
    id=$(status "$url" | jq -r 'select(.quorum and ([.members[] | select(.role == "voter")] | length == 3)
      and all(.members[]; .lag != null and .lag < 100)) | .leader // empty') || continue
    [ -n "$id" ] && { echo "$id"; return; }
  done
  return 1
}
declare -A our_pid=()
for id in $(demo '.nodes[].id'); do our_pid[$id]=$(demo ".nodes[] | select(.id == $id) | .pid"); done
for _ in $(seq 1 $kills); do
  wait_for 'all three nodes of the realm have caught up' our_leader
  leader=$(our_leader)
  others=$(demo "[.nodes[] | select(.id != $leader) | .health] | join(\",\")")
  bench passquorum failover --endpoints "$others" --kill "${our_pid[$leader]}" >> "$work/ours.failover"
  mapfile -t again < <(demo ".nodes[] | select(.id == $leader) | .restart[]")
  our_pid[$leader]=$("${again[@]}" >> "$work/restart.log" 2>&1 & echo $!)

  wait_for 'etcd is healthy' ctl endpoint health
  leader=$(ctl endpoint status -w json | jq -r '.[] | select(.Status.leader == .Status.header.member_id) | .Endpoint' | head -1)
  n=$((${leader##*:} - 23790))
  others=$(tr , '\n' <<< "$etcd_endpoints" | grep -v ":${leader##*:}\$" | paste -sd,)
  bench etcd failover --endpoints "$others" --kill "${etcd_pid[$n]}" >> "$work/etcd.failover"
  wait_for 'the killed etcd is gone' is_gone "${etcd_pid[$n]}"
  start_etcd "$n"
done
kill "${our_pid[@]}" 2>/dev/null || true
jq -nc --slurpfile o "$work/ours.failover" --slurpfile e "$work/etcd.failover" '
  def middle: map(.failover_ms) | sort | {min: .[0], median: .[length / 2 | floor], max: .[-1]};
  ($o | middle) as $om | ($e | middle) as $em |
  {measure: "failover_ms", clients: 1, kills: ($o | length), ours: $om.median, etcd: $em.median,
   ratio: (100 * $om.median / $em.median | round / 100), ours_min: $om.min, ours_max: $om.max,
   etcd_min: $em.min, etcd_max: $em.max}'
