#!/usr/bin/env bash
# Fills a fresh domain with what the tests need; called by samba.sh seed, which sets:
#   RIG_DATABASE  the domain's sam.ldb      RIG_SMB_CONF  its smb.conf
#   RIG_BASE      its base DN               RIG_MAIL      its mail domain
# The password of USER is Start-Passw0rd-USER1, and that of svc-sspr is Svc-Passw0rd-sspr1.
set -euo pipefail

database=(-H "$RIG_DATABASE" --configfile="$RIG_SMB_CONF")
people="OU=People,$RIG_BASE"
service="OU=Svc,$RIG_BASE"
outside="OU=Outside,$RIG_BASE"
points="CN=One Identity,CN=System,$RIG_BASE"
password_settings="CN=Password Settings Container,CN=System,$RIG_BASE"
enabled=512 disabled=514

organisational_unit() { printf 'dn: %s\nobjectClass: organizationalUnit\n\n' "$1"; }

# account NAME PASSWORD CONTAINER MAIL CONTROL
account() {
    local quoted
    quoted=$(printf '"%s"' "$2" | iconv --to-code UTF-16LE | base64 --wrap 0)
    printf '%s\n' "dn: CN=$1,$3" "objectClass: user" "sAMAccountName: $1" \
        "userPrincipalName: $1@$RIG_MAIL" "displayName: ${1^} Test" "givenName: ${1^}" "sn: Test" \
        "mail: $4" "userAccountControl: $5" "unicodePwd:: $quoted" ""
}

user() { account "$1" "Start-Passw0rd-${1}1" "$2" "${3:-$1@$RIG_MAIL}" "${4:-$enabled}"; }

# group NAME CONTAINER MEMBER...
group() {
    printf '%s\n' "dn: CN=$1,$2" "objectClass: group" "sAMAccountName: $1"
    shift 2
    local member
    for member in "$@"; do echo "member: CN=$member"; done
    echo
}

entries() {
    organisational_unit "$people"
    organisational_unit "$service"
    organisational_unit "$outside"
    printf 'dn: %s\nobjectClass: container\n\n' "$points"

    local name
    for name in alice bob carol dave erin; do user "$name" "$people"; done
    # Two people with one mail address: a search by mail is ambiguous.
    for name in frank grace; do user "$name" "$people" "shared@$RIG_MAIL"; done
    user heidi "$people" "heidi@$RIG_MAIL" $disabled
    user ivan "$outside"
    # Administrators live where the service account has no rights.
    user ada "$service"
    user hugo "$service"
    account svc-sspr Svc-Passw0rd-sspr1 "$service" "svc-sspr@$RIG_MAIL" $enabled

    # carol is in SSPR-Users only through SSPR-Staff.
    group SSPR-Staff "$people" "carol,$people"
    group SSPR-Users "$people" {alice,bob,dave,erin,frank,grace,heidi,SSPR-Staff}",$people"
    group SSPR-Admins "$service" "ada,$service"
    group SSPR-Helpdesk "$service" "hugo,$service"

    # A stricter policy for erin; times are in units of -100 ns.
    cat <<LDIF
dn: CN=Strict,$password_settings
objectClass: msDS-PasswordSettings
msDS-PasswordSettingsPrecedence: 10
msDS-PasswordReversibleEncryptionEnabled: FALSE
msDS-PasswordHistoryLength: 5
msDS-PasswordComplexityEnabled: TRUE
msDS-MinimumPasswordLength: 16
msDS-MinimumPasswordAge: 0
msDS-MaximumPasswordAge: -36288000000000
msDS-LockoutThreshold: 5
msDS-LockoutDuration: -18000000000
msDS-LockoutObservationWindow: -18000000000
msDS-PSOAppliesTo: CN=erin,$people

LDIF
}

# attribute FILTER NAME [BASE]
attribute() {
    ldbsearch "${database[@]}" -b "${3:-$RIG_BASE}" "$1" "$2" 2>/dev/null | sed -n "s/^$2: //p"
}

schema_guid() { attribute "(lDAPDisplayName=$1)" schemaIDGUID "CN=Schema,CN=Configuration,$RIG_BASE"; }

allow() { samba-tool dsacl set "${database[@]}" --objectdn="$1" --sddl="$2" >/dev/null; }

# What the service account may do, and no more: on users in OU=People reset the password (the extended right
# User-Force-Change-Password) and write five attributes; read the fine-grained password policies, which only
# Domain Admins may do by default; in OU=Svc make service connection points, which it then owns; and below
# CN=One Identity make and remove them.
delegate() {
    local sid user_class=bf967aba-0de6-11d0-a285-00aa003049e2
    local connection_point_class=28630ec1-41d5-11d1-a9c1-0000f80367c1
    local reset_password=00299570-246d-11d0-a768-00aa006e0529
    sid=$(attribute '(sAMAccountName=svc-sspr)' objectSid)
    local rights="(OA;CIIO;CR;$reset_password;$user_class;$sid)" name
    for name in lockoutTime pwdLastSet comment carLicense userAccountControl; do
        rights+="(OA;CIIO;RPWP;$(schema_guid "$name");$user_class;$sid)"
    done
    allow "$people" "$rights"
    allow "$password_settings" "(A;CI;LCRPLORC;;;$sid)"
    allow "$service" "(OA;;CC;$connection_point_class;;$sid)"
    allow "$points" "(OA;;CCDC;$connection_point_class;;$sid)"
}

samba-tool domain passwordsettings set "${database[@]}" --complexity=on --min-pwd-length=8 \
    --history-length=5 --min-pwd-age=0 --max-pwd-age=42 --account-lockout-threshold=5 \
    --account-lockout-duration=30 --reset-account-lockout-after=30 >/dev/null
entries | ldbadd "${database[@]}" >/dev/null
delegate
echo "rig: seeded $RIG_BASE"
