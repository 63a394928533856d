# What the benchmarks share; sourced by each, not run. A three-node etcd, a demo realm, the load client, and the rows.
#
# Rows are JSON lines on standard output, or with --markdown a table at the end. `work` is a fresh folder under target/,
# on the same disk for both systems; everything that was started ends with the script.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$root"

quick='' markdown=''
for option in "$@"; do
  case $option in
    --quick) quick=1 ;;
    --markdown) markdown=1 ;;
    *) echo "$option: use --quick, --markdown or both" >&2; exit 64 ;;
  esac
done
# Both elect after 500 ms of silence at the least.
etcd_heartbeat_ms=100 etcd_election_ms=500

need() {
  local tool
  for tool in "$@"; do
    command -v "$tool" >/dev/null || { echo "$tool is missing: run ops/rig/install.sh first" >&2; exit 1; }
  done
}
need jq
cargo build --quiet --release -p passquorum -p passquorum-tests --bin passquorum --bin bench
bin=${CARGO_TARGET_DIR:-$root/target}/release

work=$(mktemp -d "$root/target/bench.XXXXXX")
demo_pid='' joiner_pid=''
declare -A etcd_pid=() our_pid=()
# Functions that stop what others started who source this.
at_end=()
cleanup() {
  local stop
  for stop in "${at_end[@]}"; do "$stop" || true; done
  local pids=("${etcd_pid[@]}" ${demo_pid:+"$demo_pid"} ${joiner_pid:+"$joiner_pid"}) pid
  [ ${#pids[@]} -gt 0 ] && kill "${pids[@]}" 2>/dev/null || true
  for pid in "${pids[@]}"; do until is_gone "$pid"; do sleep 0.05; done; done
  rm -rf "$work"
}
trap cleanup EXIT

wait_for() { # what, command...
  local what=$1 n; shift
  for n in $(seq 1 1200); do "$@" >/dev/null 2>&1 && return 0; sleep 0.05; done
  echo "timed out: $what" >&2; exit 1
}
# A zombie is gone: it waits only for the machine's first process to notice.
is_gone() { ! grep -qE '^State:[[:space:]]+[^Z]' "/proc/$1/status" 2>/dev/null; }
joined() { local IFS=,; echo "$*"; }

# --- etcd: own authority, one certificate for all three -------------------------------------------------------------
client_port() { echo $((23790 + $1)); }
peer_port() { echo $((23890 + $1)); }
etcd_endpoints=$(joined "https://127.0.0.1:$(client_port 1)" "https://127.0.0.1:$(client_port 2)" \
  "https://127.0.0.1:$(client_port 3)")
tls=$work/tls
start_etcd_cluster() {
  local n
  need etcd etcdctl openssl
  mkdir -p "$tls"
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=bench-ca \
    -keyout "$tls/ca.key" -out "$tls/ca.crt" 2>/dev/null
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=etcd -keyout "$tls/etcd.key" \
    -out "$tls/etcd.csr" 2>/dev/null
  printf 'subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth,clientAuth\n' > "$tls/ext"
  openssl x509 -req -in "$tls/etcd.csr" -CA "$tls/ca.crt" -CAkey "$tls/ca.key" -CAcreateserial -days 2 \
    -extfile "$tls/ext" -out "$tls/etcd.crt" 2>/dev/null
  for n in 1 2 3; do start_etcd $n; done
  wait_for 'etcd is healthy' ctl endpoint health
}
# In a shell of its own, so that this one does not report the kills that are the point of it.
start_etcd() { etcd_pid[$1]=$(run_etcd "$1" >> "$work/e$1.log" 2>&1 & echo $!); }
run_etcd() {
  local n peers=''
  for n in 1 2 3; do peers+="${peers:+,}e$n=https://127.0.0.1:$(peer_port $n)"; done
  exec etcd --name "e$1" --data-dir "$work/e$1" --initial-cluster "$peers" --initial-cluster-state new \
    --listen-client-urls "https://127.0.0.1:$(client_port "$1")" \
    --advertise-client-urls "https://127.0.0.1:$(client_port "$1")" \
    --listen-peer-urls "https://127.0.0.1:$(peer_port "$1")" \
    --initial-advertise-peer-urls "https://127.0.0.1:$(peer_port "$1")" \
    --cert-file "$tls/etcd.crt" --key-file "$tls/etcd.key" \
    --peer-cert-file "$tls/etcd.crt" --peer-key-file "$tls/etcd.key" \
    --peer-client-cert-auth --peer-trusted-ca-file "$tls/ca.crt" \
    --heartbeat-interval "$etcd_heartbeat_ms" --election-timeout "$etcd_election_ms" \
    --logger zap --log-level error
}
ctl() { ETCDCTL_API=3 etcdctl --cacert "$tls/ca.crt" --endpoints "$etcd_endpoints" "$@"; }

# --- passquorum: a demo realm ----------------------------------------------------------------------------------------
start_realm() { # [nodes]
  rm -rf "$work/realm"
  continue_realm "$@"
}
continue_realm() { # [nodes]; with the data that are there
  local id
  need curl
  rm -f "$work/demo.json"
  "$bin/passquorum" demo --dir "$work/realm" --base-port 24400 --nodes "${1:-3}" --json \
    > "$work/demo.json" 2> "$work/demo.log" &
  demo_pid=$!
  wait_for 'the realm is ready' test -s "$work/demo.json"
  our_endpoints=$(demo '[.nodes[].health] | join(",")') token=$(demo .api_token) authority=$(demo .authority)
  our_pid=()
  for id in $(demo '.nodes[].id'); do our_pid[$id]=$(demo ".nodes[] | select(.id == $id) | .pid"); done
}
stop_realm() { kill "$demo_pid"; wait_for 'the realm has stopped' is_gone "$demo_pid"; demo_pid=''; }
demo() { jq -r "$1" "$work/demo.json"; }
endpoint() { demo ".nodes[] | select(.id == $1) | .health"; }
api() { # URL of a node, path, more for curl
  local url=$1$2; shift 2
  curl -sf --max-time 5 --cacert "$authority" -H "Authorization: Bearer $token" "$@" "$url"
}
# The leader's id, once every member has caught up.
our_leader() {
  local url id
  for url in ${our_endpoints//,/ }; do
    id=$(api "$url" /api/v1/status | jq -r --argjson nodes "${#our_pid[@]}" 'select(.quorum
      and ([.members[] | select(.role == "voter")] | length == $nodes)
      and all(.members[]; .lag != null and .lag < 100)) | .leader // empty') || continue
    [ -n "$id" ] && { echo "$id"; return; }
  done
  return 1
}
start_node() { # id; in a shell of its own, like start_etcd
  local again
  mapfile -t again < <(demo ".nodes[] | select(.id == $1) | .restart[]")
  our_pid[$1]=$("${again[@]}" >> "$work/restart.log" 2>&1 & echo $!)
}

# --- the load client and its rows ------------------------------------------------------------------------------------
bench() { # system, verb, options...
  local system=$1 verb=$2; shift 2
  case $system in
    passquorum)
      "$bin/bench" "$verb" --system passquorum --ca "$authority" --token "$token" --pids "$(joined "${our_pid[@]}")" \
        --endpoints "$our_endpoints" "$@" ;;
    etcd)
      "$bin/bench" "$verb" --system etcd --ca "$tls/ca.crt" --pids "$(joined "${etcd_pid[@]}")" \
        --endpoints "$etcd_endpoints" "$@" ;;
  esac
}
row() { if [ -n "$markdown" ]; then cat >> "$work/rows"; else cat; fi; }
# One table for each run of rows with the same names.
print_markdown() {
  [ -n "$markdown" ] || return 0
  jq -rs 'group_by(.measure)[] | (.[0] | keys_unsorted) as $names
    | ($names, ($names | map("---")), (.[] | [.[$names[]]] | map(if . == null then "" else tostring end)))
    | "| \(join(" | ")) |"' "$work/rows"
}
