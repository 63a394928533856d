#!/usr/bin/env bash
# Can a stranger tell who exists? Forgot My Password for names of six kinds, judged by statistical tests.
#
#   ops/bench/enumeration.sh [--quick] [--keep FILE]   as root, for Samba
#
# Three nodes behind HAProxy. Each of 60 names of a kind is tried seven times with wrong answers, in random order, each time
# from another address: five tries until the name is locked, and two more. told_apart.py compares what came back.
keep=''
options=()
while (($# > 0)); do
  case $1 in
    --keep) keep=$(realpath --canonicalize-missing "$2"); shift ;;
    *) options+=("$1") ;;
  esac
  shift
done
source "$(dirname "${BASH_SOURCE[0]}")/common.sh" "${options[@]}"
source "$root/ops/bench/proxied.sh"
source "$root/ops/bench/domain.sh"
last=${quick:+07}; last=${last:-59}

start_domain 599 499
start_served_realm
people register --people 100-1$last --fate registered "${service[@]}"
people register --people 300-3$last --fate locked "${service[@]}"
people register --people 400-4$last --fate disabled "${service[@]}"
people visits --tries 7 --at-once 8 --kinds "registered=crowd:100-1$last,unregistered=crowd:200-2$last,locked=crowd:300-3$last,\
disabled=crowd:400-4$last,unserved=crowd:500-5$last,unknown=ghost:100-1$last" > "$work/visits.jsonl"
[ -z "$keep" ] || cp "$work/visits.jsonl" "$keep"
ops/bench/told_apart.py "$work/visits.jsonl"
