#!/usr/bin/env bash
# Committed writes and linearizable reads per second of a three-node realm beside a three-node etcd: same machine, same
# disk, same client, same run, in turns. One row for each kind and number of clients: the better of the rounds.
#
#   ops/bench/etcd.sh [--quick] [--markdown]     about 6 minutes; --quick: about 1 once the binaries are built
#
# Both serve HTTPS with kept connections and speak mutual TLS between their nodes. etcd is Debian's etcd-server, asked
# through its JSON gateway: the same HTTP/1.1 client sends both the same 256-byte values. `cpu_us` is the processor time
# of the three servers for one request; all seven processes share the machine.
. "$(dirname "$0")/common.sh"

seconds=10 rounds=2
if [ -n "$quick" ]; then seconds=2 rounds=1; fi

start_etcd_cluster
start_realm
for system in passquorum etcd; do bench $system writes --clients 8 --seconds 1 > /dev/null; done
for kind in writes reads; do
  for clients in 1 16 64 256; do
    for _ in $(seq 1 $rounds); do
      for system in passquorum etcd; do
        bench $system $kind --clients $clients --seconds $seconds >> "$work/$system.$kind.$clients"
      done
    done
    jq -nc --arg kind $kind --slurpfile o "$work/passquorum.$kind.$clients" \
      --slurpfile e "$work/etcd.$kind.$clients" '
      def best: max_by(.per_second);
      ($o | best) as $o | ($e | best) as $e |
      {measure: "\($kind)_per_second", clients: $o.clients, ours: $o.per_second, etcd: $e.per_second,
       ratio: (100 * $o.per_second / $e.per_second | round / 100),
       ours_p50_ms: $o.p50_ms, etcd_p50_ms: $e.p50_ms, ours_p99_ms: $o.p99_ms, etcd_p99_ms: $e.p99_ms,
       ours_cpu_us: $o.server_cpu_us_per_op, etcd_cpu_us: $e.server_cpu_us_per_op,
       client_cpu_us_ours: $o.client_cpu_us_per_op, client_cpu_us_etcd: $e.client_cpu_us_per_op,
       ours_errors: $o.errors, etcd_errors: $e.errors}' | row
  done
done
print_markdown
