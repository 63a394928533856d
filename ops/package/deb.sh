#!/usr/bin/env bash
# Builds the Debian package of a passquorum binary, with dpkg-deb and nothing else.
#
#   ops/package/deb.sh BINARY OUTDIR     prints the package's path
#
# The version is what the binary says. PASSQUORUM_DEB_COMPRESSION=none makes a large package fast (default: xz);
# SOURCE_DATE_EPOCH makes equal packages of equal files.
set -euo pipefail

if (($# != 2)); then
    sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}" >&2
    exit 64
fi
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$here/../..
binary=$1 out=$2
version=$("$binary" --version)
version=${version#passquorum }
architecture=$(dpkg --print-architecture)
tree=$(mktemp --directory)
trap 'rm -rf "$tree"' EXIT

install -D --mode 755 "$binary" "$tree/usr/bin/passquorum"
if [[ $(head --bytes 4 "$binary") == $'\x7fELF' ]]; then
    strip --strip-debug "$tree/usr/bin/passquorum"
fi
install -D --mode 644 "$here/../systemd/passquorum.service" "$tree/lib/systemd/system/passquorum.service"
install -D --mode 644 "$here/sysusers.conf" "$tree/usr/lib/sysusers.d/passquorum.conf"
install -D --mode 644 "$here/tmpfiles.conf" "$tree/usr/lib/tmpfiles.d/passquorum.conf"
install -D --mode 644 "$here/default" "$tree/etc/default/passquorum"
doc=$tree/usr/share/doc/passquorum
install -D --mode 644 --target-directory "$doc" "$top/README.md" "$top/SECURITY.md" "$top/ASVS.md" "$top/CHANGELOG.md"
install -D --mode 644 "$top/LICENSE" "$doc/copyright"
for example in haproxy/haproxy.cfg haproxy/errors/no-node.html haproxy/errors/unknown-outcome.html \
    keepalived/keepalived.conf prometheus/prometheus.yml prometheus/alerts.yml grafana/passquorum.json; do
    install -D --mode 644 "$here/../$example" "$doc/examples/$example"
done

mkdir "$tree/DEBIAN"
for script in postinst prerm postrm; do
    install --mode 755 "$here/$script" "$tree/DEBIAN/$script"
done
echo /etc/default/passquorum >"$tree/DEBIAN/conffiles"
# What the binary is linked to: `ldd` names nothing but the C library and libgcc.
cat >"$tree/DEBIAN/control" <<CONTROL
Package: passquorum
Version: $version
Architecture: $architecture
Maintainer: passquorum maintainers <maintainers@passquorum.invalid>
Installed-Size: $(du --summarize --apparent-size --block-size=1024 --exclude=DEBIAN "$tree" | cut -f1)
Depends: libc6 (>= 2.36), libgcc-s1, systemd (>= 250) | systemd-standalone-sysusers
Section: admin
Priority: optional
Description: self-service password management for Active Directory
 People register security questions, reset a forgotten password and unlock their
 account in a browser. Every instance is a member of a replicated cluster, so
 that one may fail without anybody noticing.
CONTROL
mkdir -p "$out"
package=$out/passquorum_${version}_$architecture.deb
dpkg-deb --root-owner-group -Z"${PASSQUORUM_DEB_COMPRESSION:-xz}" --build "$tree" "$package" >&2
echo "$package"
