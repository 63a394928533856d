# Sourced behind proxied.sh: three nodes behind HAProxy that serve the crowd of a Samba domain. Needs root, for Samba.
#
# The policy is the one that a new realm is offered; it serves the members of one group, so that there are people of the
# domain whom no policy serves. The domain gets 127.0.0.61 for itself.

need ldapsearch ldbadd
controller=127.0.0.61
domain=$work/domain base=DC=corp,DC=example,DC=test
samba_rig() { RIG_DC_IP=$controller RIG_DC_NAME=dc1 ops/rig/samba.sh "$1" "$domain"; }
stop_domain() {
  local pid
  [ ${#our_pid[@]} = 0 ] || kill "${our_pid[@]}" || true
  for pid in "${our_pid[@]}"; do until is_gone "$pid"; do sleep 0.05; done; done
  samba_rig down
}
at_end+=(stop_domain)

start_domain() { # crowd, last number that is served
  local n
  samba_rig restore
  ops/rig/crowd.py "$1" "$domain"
  {
    printf 'dn: CN=Served,OU=Crowd,%s\nobjectClass: group\nsAMAccountName: Served\n' "$base"
    for ((n = 1; n <= $2; n++)); do echo "member: CN=crowd$n,OU=Crowd,$base"; done
  } | ldbadd -H "$domain/private/sam.ldb" --configfile="$domain/etc/smb.conf" >/dev/null
  samba_rig up
}

pq() { local node=$1; shift; PASSQUORUM_DIR=$work/node-$node "$bin/passquorum" "$@"; }
run_node() { # number; its settings are there
  sed -i 's/^trusted_proxies = \[\]$/trusted_proxies = ["127.0.0.1"]/' "$work/node-$1/node.toml"
  grep -q '^trusted_proxies = \["127.0.0.1"\]$' "$work/node-$1/node.toml"
  "$bin/passquorum" run --dir "$work/node-$1" > "$work/node-$1.log" 2>&1 &
  our_pid[$1]=$!
  wait_for "node $1 is ready" curl -sfk "https://127.0.0.1:2460$1/ready"
}
all_vote() { pq 1 status --json | jq -e '[.members[] | select(.role == "voter")] | length == 3'; }

start_served_realm() {
  local n token
  our_pid=()
  pq 1 init --name node-1 --site-address 127.0.0.1:24601 --cluster-address 127.0.0.1:24611 >/dev/null
  run_node 1
  for n in 2 3; do
    token=$(pq 1 token create --role voter --json | jq -r .token)
    pq $n join --token - --server https://127.0.0.1:24601 --name node-$n --site-address 127.0.0.1:2460$n \
      --cluster-address 127.0.0.1:2461$n <<<"$token" >/dev/null
    run_node $n
  done
  wait_for 'all nodes vote' all_vote
  echo Svc-Passw0rd-sspr1 | pq 1 connection set --alias CORP --server "ldaps://$controller" --base "$base" \
    --authorities "$domain/tls/ca.crt" --bind-name svc-sspr@corp.example.test --json >/dev/null
  pq 1 policy add --name Crowd --alias CORP --group "CN=Served,OU=Crowd,$base" >/dev/null
  authority=$work/node-1/keys/authority.crt
  start_balancer 127.0.0.1:24601 127.0.0.1:24602 127.0.0.1:24603
}

people() { # verb, options of bench...
  local verb=$1; shift
  "$bin/bench" "$verb" --site "$site" --ca "$haproxy_dir/ca.crt" "$@"
}
service=(--controller $controller --controller-ca "$domain/tls/ca.crt" --bind-name svc-sspr@corp.example.test
  --bind-password Svc-Passw0rd-sspr1)
