#!/bin/sh
# Delegates to svc-fresh what passquorum needs, and no more. Run it as an administrator of the domain:
#   H=ldap://dc1.corp.example sh delegate.sh -U Administrator
# or on a controller, as root: H=/var/lib/samba/private/sam.ldb sh delegate.sh
set -eu
: "${H:?set H to the URL of a domain controller or the path of its database}"
base='DC=corp,DC=example,DC=test'
find() {
    filter=$1 name=$2 at=$3; shift 3
    found=$(ldbsearch -H "$H" "$@" -b "$at" "$filter" "$name" | sed -n "s/^$name: //p")
    [ -n "$found" ] || { echo "nothing is found by $filter" >&2; exit 1; }
    echo "$found"
}
schema() { name=$1; shift; find "(lDAPDisplayName=$name)" schemaIDGUID "CN=Schema,CN=Configuration,$base" "$@"; }
allow() {
    at=$1 sddl=$2; shift 2
    samba-tool dsacl set -H "$H" "$@" --objectdn="$at" --sddl="$sddl" >/dev/null
    echo "delegated on $at"
}
sid=$(find '(sAMAccountName=svc-fresh)' objectSid "$base" "$@")
users="(OA;CIIO;CR;00299570-246d-11d0-a768-00aa006e0529;bf967aba-0de6-11d0-a285-00aa003049e2;$sid)"
id=$(schema lockoutTime "$@")
users="$users(OA;CIIO;RPWP;$id;bf967aba-0de6-11d0-a285-00aa003049e2;$sid)"
id=$(schema pwdLastSet "$@")
users="$users(OA;CIIO;RPWP;$id;bf967aba-0de6-11d0-a285-00aa003049e2;$sid)"
id=$(schema userAccountControl "$@")
users="$users(OA;CIIO;RPWP;$id;bf967aba-0de6-11d0-a285-00aa003049e2;$sid)"
id=$(schema comment "$@")
users="$users(OA;CIIO;RPWP;$id;bf967aba-0de6-11d0-a285-00aa003049e2;$sid)"
id=$(schema replPropertyMetaData "$@")
users="$users(OA;CIIO;RP;$id;bf967aba-0de6-11d0-a285-00aa003049e2;$sid)"
allow 'OU=People,DC=corp,DC=example,DC=test' "$users" "$@"
allow 'OU=O'\''Brien & $(Sons),DC=corp,DC=example,DC=test' "$users" "$@"
allow 'CN=Password Settings Container,CN=System,DC=corp,DC=example,DC=test' "(A;CI;LCRPLORC;;;$sid)" "$@"
allow 'OU=Svc,DC=corp,DC=example,DC=test' "(OA;;CCDC;28630ec1-41d5-11d1-a9c1-0000f80367c1;;$sid)(OA;CIIO;RPWPSDLCLORC;;28630ec1-41d5-11d1-a9c1-0000f80367c1;$sid)" "$@"
