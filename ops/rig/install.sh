#!/usr/bin/env bash
# Installs the Debian packages that the real test rig needs: the domain controller, the load balancer,
# the browser and the peer cluster of the benchmark. Does nothing when all of them are there already.
# Debian 12, as root. No service is left running by it.
set -euo pipefail

packages=(
    samba samba-ad-provision samba-dsdb-modules samba-vfs-modules winbind # the domain controller
    ldap-utils ldb-tools tdb-tools                                        # to seed and to question it
    haproxy keepalived tinyproxy-bin curl                                 # in front of the nodes
    wrk python3-scipy                                                     # load, and whether samples are told apart
    prometheus binutils systemd                                           # what operators are given, tried out
    python3-aiosmtpd                                                      # the mail server
    python3-yaml python3-jsonschema                                       # what drives the API from its document
    chromium chromium-driver                                              # the browser and its WebDriver
    etcd-server etcd-client                                               # the peer of the benchmark
    iproute2 iptables                                                     # the networks that the faults cut
    openssl util-linux procps gcc libc6-dev make                          # certificates, namespaces, to build C
)

missing=()
for package in "${packages[@]}"; do
    state=$(dpkg-query --show --showformat '${db:Status-Status}' "$package" 2>/dev/null || true)
    [[ $state == installed ]] || missing+=("$package")
done
if ((${#missing[@]} == 0)); then
    echo "rig: all ${#packages[@]} packages are installed"
    exit 0
fi
if ((EUID != 0)); then
    echo "rig: these packages are missing: ${missing[*]}; install them, or run this script as root" >&2
    exit 1
fi

# Package scripts must not start the services: the rig starts what it needs, on its own addresses.
if [[ ! -e /usr/sbin/policy-rc.d ]]; then
    printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
    chmod 755 /usr/sbin/policy-rc.d
    trap 'rm -f /usr/sbin/policy-rc.d' EXIT
fi

export DEBIAN_FRONTEND=noninteractive
echo "rig: installing ${missing[*]}"
apt-get update --quiet
apt-get install --yes --quiet --no-install-recommends "${missing[@]}"
