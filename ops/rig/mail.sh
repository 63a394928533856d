#!/usr/bin/env bash
# An SMTP server that keeps what it takes (mail.py), with a certificate of its own.
#
#   mail.sh up DIR       write a certificate (trust DIR/ca.crt), start, wait until it listens
#   mail.sh down DIR     stop it, and prove that no process of it is left
#
# For up: RIG_LISTEN=127.0.0.1:10025
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/process.sh"
source "$here/certificate.sh"

if (($# != 2)); then
    sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}" >&2
    exit 64
fi
dir=$(realpath --canonicalize-missing "$2")
pid_file=$dir/mail.pid
python=$(realpath /usr/bin/python3)

listens() {
    runs "$pid_file" "${python##*/}" || return 2
    [[ -e $dir/listens ]]
}

up() {
    : "${RIG_LISTEN:?set RIG_LISTEN to ADDRESS:PORT}"
    mkdir -p "$dir"
    [[ -e $dir/answer ]] || echo 250 >"$dir/answer"
    issue_certificate mail
    rm -f "$dir/listens"
    start_group "$pid_file" "$dir/mail.log" "$python" "$here/mail.py" "${RIG_LISTEN%:*}" "${RIG_LISTEN##*:}" "$dir"
    wait_until 30 "the mail server listens on $RIG_LISTEN (see $dir/mail.log)" listens || { down; return 1; }
}

down() { stop_group "$pid_file" "${python##*/}"; }

case $1 in
    up | down) "$1" ;;
    *) echo "rig: no command $1: up or down" >&2; exit 64 ;;
esac
