#!/usr/bin/env bash
# A real Active Directory domain on loopback: one Samba domain controller with its own certificate authority.
#
#   samba.sh up DIR         provision a domain in DIR when there is none, start it, wait until LDAPS answers
#   samba.sh seed DIR       add the organisational units, accounts, groups and rights of seed.sh
#   samba.sh join DIR       make a second controller in DIR of the domain in RIG_FIRST_DC (its DIR, and it runs), start it
#   samba.sh snapshot DIR   keep the domain in DIR as the cached one (stops it first)
#   samba.sh restore DIR    put the cached seeded domain in DIR; makes the cache when there is none
#   samba.sh kill DIR       end it at once by SIGKILL, as a loss of power does
#   samba.sh status DIR     print running or stopped
#   samba.sh down DIR       stop it, and prove that no process of it is left
#
# All of it lives under DIR: the database, the certificates (DIR/tls/ca.crt is the one to trust), the logs.
# Needs root, for the ports of LDAP and Kerberos and for a private mount namespace, in which DIR's own
# resolv.conf and hosts stand in for those of the machine. Several domains run at once on several addresses:
#   RIG_DC_IP=127.0.0.11  RIG_DC_NAME=dc1  RIG_REALM=CORP.EXAMPLE.TEST  RIG_CACHE=~/.cache/passquorum-rig
# and for a second controller, each time, RIG_FIRST_DC=DIR  RIG_FIRST_DC_IP=127.0.0.11  RIG_FIRST_DC_NAME=dc1
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/process.sh"

if (($# != 2)); then
    sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}" >&2
    exit 64
fi
command=$1
dir=$(realpath --canonicalize-missing "$2")
realm=${RIG_REALM:-CORP.EXAMPLE.TEST}
dc_name=${RIG_DC_NAME:-dc1}
dc_ip=${RIG_DC_IP:-127.0.0.11}
first_dir=${RIG_FIRST_DC:+$(realpath --canonicalize-missing "$RIG_FIRST_DC")}
first_ip=${RIG_FIRST_DC_IP:-$dc_ip}
first_name=${RIG_FIRST_DC_NAME:-dc1}
cache=${RIG_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/passquorum-rig}
workgroup=${realm%%.*}
domain=${realm,,}
base="DC=${domain//./,DC=}"
# The built-in Administrator of a throw-away domain that listens on loopback only.
administrator_password='Adm1n-Passw0rd-rig1'
pid_file=$dir/run/samba.pid

[[ $dir != / ]] || { echo "rig: DIR must not be /" >&2; exit 64; }
((EUID == 0)) || { echo "rig: Samba needs root (ports 88, 389, 636 and a mount namespace)" >&2; exit 1; }
for tool in samba samba-tool ldbadd ldapsearch openssl unshare; do
    command -v "$tool" >/dev/null || { echo "rig: $tool is missing: run $here/install.sh" >&2; exit 1; }
done

# in_domain COMMAND...: runs COMMAND where names resolve through the domain's own DNS.
in_domain() {
    unshare --mount --propagation private bash -c '
        mount --bind "$0/etc/resolv.conf" /etc/resolv.conf
        mount --bind "$0/etc/hosts" /etc/hosts
        exec "$@"' "$dir" "$@"
}

write_settings() {
    mkdir -p "$dir"/{etc,run,log,tls}
    chmod 755 "$dir/run"
    printf 'search %s\nnameserver %s\noptions timeout:1 attempts:2\n' "$domain" "$first_ip" >"$dir/etc/resolv.conf"
    printf '%s\n' '127.0.0.1 localhost' "$dc_ip $dc_name.$domain $dc_name" \
        "$first_ip $first_name.$domain $first_name" | uniq >"$dir/etc/hosts"
    cat >"$dir/etc/krb5.conf" <<CONF
[libdefaults]
    default_realm = $realm
    dns_lookup_realm = false
    dns_lookup_kdc = false
    rdns = false
[realms]
    $realm = {
        kdc = $first_ip
        kpasswd_server = $first_ip
    }
CONF
    cat >"$dir/etc/smb.conf" <<CONF
[global]
    workgroup = $workgroup
    realm = $realm
    netbios name = ${dc_name^^}
    server role = active directory domain controller
    idmap_ldb:use rfc2307 = yes

    interfaces = $dc_ip/8
    bind interfaces only = yes
    disable netbios = yes
    server services = -nbt -s3fs -winbindd
    dns forwarder = 127.0.0.1
    rpc server dynamic port range = 49152-49252
    ldap server require strong auth = yes
    prefork children = 2
    # What one controller learns reaches the other within seconds; by default that takes minutes.
    dreplsrv:periodic_interval = 2
    dreplsrv:periodic_startup_interval = 1
    kccsrv:periodic_interval = 5
    kccsrv:periodic_startup_interval = 1
    # By default the previous password still binds for an hour; here each test must see which one holds.
    old password allowed period = 0

    private dir = $dir/private
    state directory = $dir/state
    cache directory = $dir/cache
    lock directory = $dir
    binddns dir = $dir/bind-dns
    pid directory = $dir/run
    ncalrpc dir = $dir/run/ncalrpc
    winbindd socket directory = $dir/run/winbindd
    ntp signd socket directory = $dir/run/ntp_signd
    log file = $dir/log/log.samba
    log level = 1 auth_audit:3

    tls enabled = yes
    tls keyfile = $dir/tls/dc.key
    tls certfile = $dir/tls/dc.crt
    tls cafile = $dir/tls/ca.crt
[sysvol]
    path = $dir/state/sysvol
    read only = no
[netlogon]
    path = $dir/state/sysvol/$domain/scripts
    read only = no
CONF
}

issue_certificates() {
    [[ ! -s $dir/tls/dc.crt ]] || return 0
    (
        cd "$dir/tls"
        umask 077
        [[ -s ca.key ]] || openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 \
            -subj "/CN=Rig domain CA" -addext basicConstraints=critical,CA:TRUE \
            -addext keyUsage=critical,keyCertSign,cRLSign -keyout ca.key -out ca.crt
        openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
            -subj "/CN=$dc_name.$domain" -keyout dc.key -out dc.csr
        printf '%s\n' "subjectAltName=DNS:$dc_name.$domain,DNS:$domain,IP:$dc_ip" \
            extendedKeyUsage=serverAuth basicConstraints=CA:FALSE >dc.ext
        openssl x509 -req -in dc.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 3650 \
            -extfile dc.ext -out dc.crt
        rm dc.csr dc.ext
        chmod 644 ca.crt dc.crt
    ) 2>"$dir/log/openssl.log" || { cat "$dir/log/openssl.log" >&2; return 1; }
}

provision() {
    mkdir -p "$dir/log"
    write_settings
    # samba-tool writes a configuration of its own, which ours replaces on the next line.
    rm "$dir/etc/smb.conf"
    in_domain samba-tool domain provision --server-role=dc --dns-backend=SAMBA_INTERNAL --use-rfc2307 \
        --realm="$realm" --domain="$workgroup" --adminpass="$administrator_password" \
        --host-name="$dc_name" --host-ip="$dc_ip" --targetdir="$dir" \
        --option="interfaces=$dc_ip/8" --option="bind interfaces only=yes" >"$dir/log/provision.log" 2>&1 ||
        { tail -20 "$dir/log/provision.log" >&2; rm -rf "$dir/private"
          echo "rig: the domain could not be provisioned" >&2; return 1; }
    write_settings
    issue_certificates
}

join() {
    [[ -n $first_dir && -s $first_dir/tls/ca.key ]] ||
        { echo "rig: RIG_FIRST_DC must name the directory of the first controller" >&2; return 64; }
    mkdir -p "$dir/log"
    write_settings
    cp "$first_dir"/tls/ca.{key,crt} "$dir/tls/"
    issue_certificates
    # As when a domain is made: samba-tool writes a configuration of its own first.
    rm "$dir/etc/smb.conf"
    in_domain env KRB5_CONFIG="$dir/etc/krb5.conf" samba-tool domain join "$domain" DC \
        --server="$first_name.$domain" --username=Administrator --password="$administrator_password" \
        --dns-backend=SAMBA_INTERNAL --targetdir="$dir" --configfile=/dev/null \
        --option="realm=$realm" --option="workgroup=$workgroup" --option="netbios name=${dc_name^^}" \
        --option="interfaces=$dc_ip/8" --option="bind interfaces only=yes" --option="disable netbios=yes" \
        >"$dir/log/join.log" 2>&1 ||
        { tail -20 "$dir/log/join.log" >&2; echo "rig: $dc_name could not join $domain" >&2; return 1; }
    up
    # Samba leaves loopback out when it registers its own addresses.
    in_domain env KRB5_CONFIG="$dir/etc/krb5.conf" samba_dnsupdate --configfile="$dir/etc/smb.conf" \
        --current-ip="$dc_ip" --use-samba-tool --rpc-server-ip="$first_ip" --all-names \
        >"$dir/log/dnsupdate.log" 2>&1 ||
        { tail -20 "$dir/log/dnsupdate.log" >&2; echo "rig: $dc_name is not in the domain's DNS" >&2; return 1; }
}

answers() {
    LDAPTLS_CACERT=$dir/tls/ca.crt ldapsearch -x -o nettimeout=2 -H "ldaps://$dc_ip" -s base -b '' \
        defaultNamingContext | grep --quiet "defaultNamingContext: $base"
}

up() {
    if runs "$pid_file" samba; then
        echo "rig: $dir is running already" >&2
        return 0
    fi
    if answers >/dev/null 2>&1; then
        echo "rig: another domain controller answers at $dc_ip; stop it or set RIG_DC_IP" >&2
        return 1
    fi
    if [[ ! -e $dir/private/sam.ldb ]]; then provision; fi
    write_settings
    rm -f "$pid_file"
    in_domain env KRB5_CONFIG="$dir/etc/krb5.conf" \
        samba --configfile="$dir/etc/smb.conf" --daemon </dev/null >"$dir/log/start.log" 2>&1
    wait_until 60 "LDAPS answers at $dc_ip (see $dir/log)" answers || { down; return 1; }
}

down() { stop_group "$pid_file" samba; }

kill_at_once() {
    local pid
    runs "$pid_file" samba || return 0
    pid=$(cat "$pid_file")
    kill -KILL -- "-$pid"
    wait_until 5 "samba $pid is killed" group_is_gone "$pid"
    rm -f "$pid_file"
}

seed() {
    [[ -e $dir/private/sam.ldb ]] || { echo "rig: no domain in $dir: samba.sh up or restore it" >&2; return 1; }
    RIG_DATABASE=$dir/private/sam.ldb RIG_SMB_CONF=$dir/etc/smb.conf RIG_BASE=$base RIG_MAIL=$domain \
        "$here/seed.sh"
}

# The cache is keyed by what the domain is made from, so that a changed seed makes a new one.
cached() {
    local key
    key=$(cat "$here/samba.sh" "$here/seed.sh" <(echo "$realm $dc_name $dc_ip") | sha256sum | cut -c1-16)
    echo "$cache/domain-$key.tar"
}

snapshot() {
    down
    mkdir -p "$cache"
    local file
    file=$(cached)
    tar --create --directory "$dir" --exclude ./run --exclude ./log --file "$file.$$" .
    mv "$file.$$" "$file"
}

restore() {
    if [[ -n $(ls -A "$dir" 2>/dev/null) && ! -e $dir/etc/smb.conf ]]; then
        echo "rig: $dir is not empty and holds no domain: not replaced" >&2
        return 1
    fi
    local file
    file=$(cached)
    mkdir -p "$cache"
    # One maker at a time: the others wait, and then find the cache made.
    exec {lock}>"$file.lock"
    flock "$lock"
    if [[ ! -e $file ]]; then
        (
            dir=$(mktemp --directory)
            trap 'rm -rf "$dir"' EXIT
            provision
            seed
            snapshot
        )
    fi
    flock --unlock "$lock"
    down
    rm -rf "$dir"
    mkdir -p "$dir"
    tar --extract --directory "$dir" --file "$file"
    write_settings
}

case $command in
    up | down | seed | join | snapshot | restore) "$command" ;;
    kill) kill_at_once ;;
    status) if runs "$pid_file" samba; then echo running; else echo stopped; fi ;;
    *) echo "rig: no command $command: up, down, kill, seed, join, snapshot, restore or status" >&2; exit 64 ;;
esac
