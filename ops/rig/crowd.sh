#!/usr/bin/env bash
# Many people in a domain of samba.sh, for what has to go over all of them.
#
#   crowd.sh COUNT DIR      adds the users crowd1 to crowdCOUNT below OU=Crowd, without passwords, where the service
#                           account may do what it may below OU=People. Adds to the database itself: COUNT may be large
set -euo pipefail

if (($# != 2)); then
    sed -n '2,/^set/{/^set/d;s/^# \{0,1\//;p}' "${BASH_SOURCE[0]}" >&2
    exit 64
fi
database=(-H "$2/private/sam.ldb" --configfile="$2/etc/smb.conf")
base=$(ldbsearch "${database[@]}" -s base -b '' defaultNamingContext 2>/dev/null | sed -n 's/^defaultNamingContext: //p')
domain=$(sed 's/DC=//g; s/,/./g' <<<"$base")
people="OU=People,$base" crowd="OU=Crowd,$base"

entries() {
    printf 'dn: %s\nobjectClass: organizationalUnit\n\n' "$crowd"
    local n
    for ((n = 1; n <= $1; n++)); do
        printf 'dn: CN=crowd%d,%s\nobjectClass: user\nsAMAccountName: crowd%d\nuserPrincipalName: crowd%d@%s\n' \
            "$n" "$crowd" "$n" "$n" "${domain,,}"
        printf 'displayName: Crowd %d\nuserAccountControl: 544\n\n' "$n"
    done
}

entries "$1" | ldbadd "${database[@]}" >/dev/null
rights=$(samba-tool dsacl get "${database[@]}" --objectdn="$people" | grep -o 'O[AU];CIIO;[^()]*' | sed 's/.*/(&)/' | tr -d '\n')
samba-tool dsacl set "${database[@]}" --objectdn="$crowd" --sddl="$rights" >/dev/null
