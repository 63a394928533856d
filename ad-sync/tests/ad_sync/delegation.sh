#!/bin/sh
# Delegates to svc-fresh what passquorum needs, and no more. Run it as an administrator of the domain:
#   H=ldap://dc1.corp.example sh delegate.sh -U Administrator
# or on a controller, as root: H=/var/lib/samba/private/sam.ldb sh delegate.sh
set -eu
: "${H:?set H to the URL of a domain controller or the path of its database}"
# The values of an attribute, whose long lines are folded.
values() {
    awk -v name="$1: " '
        function tell() { if (index(line, name) == 1) print substr(line, length(name) + 1) }
        /^ / { line = line substr($0, 2); next } { tell(); line = $0 } END { tell() }'
}
find() {
    filter=$1 name=$2; shift 2
    found=$(ldbsearch -H "$H" "$@" "$filter" "$name" | values "$name")
    [ -n "$found" ] || { echo "nothing is found by $filter" >&2; exit 1; }
    echo "$found"
}
root() { name=$1; shift; find '(objectClass=*)' "$name" "$@" -s base -b ''; }
base=$(root defaultNamingContext "$@")
schema=$(root schemaNamingContext "$@")
id_of() { name=$1; shift; find "(lDAPDisplayName=$name)" schemaIDGUID "$@" -b "$schema"; }
allow() {
    at=$1 sddl=$2; shift 2
    samba-tool dsacl set -H "$H" "$@" --objectdn="$at" --sddl="$sddl" >/dev/null
    echo "delegated on $at"
}
sid=$(find '(sAMAccountName=svc-fresh)' objectSid "$@" -b "$base")
users="(OA;CIIO;CR;00299570-246d-11d0-a768-00aa006e0529;bf967aba-0de6-11d0-a285-00aa003049e2;$sid)"
id=$(id_of lockoutTime "$@")
users="$users(OA;CIIO;RPWP;$id;bf967aba-0de6-11d0-a285-00aa003049e2;$sid)"
id=$(id_of pwdLastSet "$@")
users="$users(OA;CIIO;RPWP;$id;bf967aba-0de6-11d0-a285-00aa003049e2;$sid)"
id=$(id_of userAccountControl "$@")
users="$users(OA;CIIO;RPWP;$id;bf967aba-0de6-11d0-a285-00aa003049e2;$sid)"
id=$(id_of comment "$@")
users="$users(OA;CIIO;RPWP;$id;bf967aba-0de6-11d0-a285-00aa003049e2;$sid)"
id=$(id_of replPropertyMetaData "$@")
users="$users(OA;CIIO;RP;$id;bf967aba-0de6-11d0-a285-00aa003049e2;$sid)"
allow 'OU=People,DC=corp,DC=example,DC=test' "$users" "$@"
allow 'OU=O'\''Brien & $(Sons),DC=corp,DC=example,DC=test' "$users" "$@"
allow "CN=Password Settings Container,CN=System,$base" "(A;CI;LCRPLORC;;;$sid)" "$@"
allow 'OU=Svc,DC=corp,DC=example,DC=test' "(OA;;CCDC;28630ec1-41d5-11d1-a9c1-0000f80367c1;;$sid)(OA;CIIO;RPWPSDLCLORC;;28630ec1-41d5-11d1-a9c1-0000f80367c1;$sid)" "$@"
allow "$base" "(OA;;CR;1131f6ab-9c07-11d1-f79f-00c04fc2dcd2;;$sid)" "$@"
