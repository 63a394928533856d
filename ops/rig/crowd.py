#!/usr/bin/python3
"""Many people in a domain of samba.sh, for what has to go over all of them.

    crowd.py COUNT DIR      adds the users crowd1 to crowdCOUNT below OU=Crowd, without passwords, where the service
                            account may do what it may below OU=People. Samba may run meanwhile; COUNT may be large

The first user is added by Samba itself. The others are copies of its record in the partition's own database, with
names, a GUID and a SID of their own, since Samba takes longer for each user the more there are: 100,000 would take hours.
All in one transaction, without one for each record inside it, and in the order of the GUIDs, by which each list of an
index is sorted: else every list would be copied for every user. The SIDs are taken from the domain's pool, so that no
controller gives them out again.
"""

import re
import subprocess
import sys
import uuid

import ldb
from samba import Ldb, dsdb
from samba.auth import system_session
from samba.dcerpc import security
from samba.ndr import ndr_pack, ndr_unpack
from samba.param import LoadParm
from samba.samdb import SamDB

# Of the database under Samba's modules: one transaction only, and room for the indexes of all users.
AT_ONCE = ["modules:", "batch_mode:1", "transaction_index_cache_size:2000000"]


def open_domain(directory):
    settings = LoadParm()
    settings.load(f"{directory}/etc/smb.conf")
    return SamDB(f"{directory}/private/sam.ldb", session_info=system_session(settings), lp=settings)


def person(n, domain):
    """What is this user's alone, but for the GUID and the SID."""
    return {
        "sAMAccountName": f"crowd{n}",
        "userPrincipalName": f"crowd{n}@{domain}",
        "displayName": f"Crowd {n}",
    }


def take_rids(samdb, count):
    """The first of so many relative identifiers that nobody else is given."""
    manager = f"CN=RID Manager$,CN=System,{samdb.domain_dn()}"
    found = samdb.search(manager, ldb.SCOPE_BASE, attrs=["rIDAvailablePool"])
    pool = int(str(found[0]["rIDAvailablePool"]))
    change = ldb.Message(ldb.Dn(samdb, manager))
    change["pool"] = ldb.MessageElement(str(pool + count), ldb.FLAG_MOD_REPLACE, "rIDAvailablePool")
    samdb.modify(change, ["relax:0"])
    return pool & 0xFFFFFFFF


def copy(database, template, first_rid, numbers, domain):
    """Adds the users with these numbers to the partition's database, as copies of the template."""
    parent = template.dn.parent()
    domain_sid = ndr_unpack(security.dom_sid, template["objectSid"][0]).split()[0]
    guids = sorted(uuid.uuid4().bytes_le for _ in numbers)
    database.transaction_start()
    try:
        for rid, (n, guid) in enumerate(zip(numbers, guids), first_rid):
            user = ldb.Message(ldb.Dn(database, f"CN=crowd{n},{parent}"))
            own = person(n, domain) | {
                "cn": f"crowd{n}",
                "name": f"crowd{n}",
                "objectGUID": guid,
                "objectSid": ndr_pack(security.dom_sid(f"{domain_sid}-{rid}")),
            }
            for name in template.keys():
                if name not in ("dn", "distinguishedName"):
                    user[name] = ldb.MessageElement(own.get(name, list(template[name])), ldb.FLAG_MOD_ADD, name)
            database.add(user)
    except BaseException:
        database.transaction_cancel()
        raise
    database.transaction_commit()


def main(count, directory):
    samdb = open_domain(directory)
    base = samdb.domain_dn()
    domain = samdb.domain_dns_name()
    crowd = f"OU=Crowd,{base}"
    samdb.add({"dn": crowd, "objectClass": "organizationalUnit"})
    template = f"CN=crowd1,{crowd}"
    samdb.add({"dn": template, "objectClass": "user", "userAccountControl": "544"} | person(1, domain))
    if count > 1:
        first_rid = take_rids(samdb, count - 1)
        file = f"{directory}/private/sam.ldb.d/{base.upper()}.ldb"
        partition = Ldb(f"tdb://{file}", lp=samdb.lp, flags=ldb.FLG_DONT_CREATE_DB, options=AT_ONCE)
        # Without the schema other keys would go into the indexes, for the attributes that hold DNs and SIDs.
        dsdb._dsdb_set_schema_from_ldb(partition, samdb, False)
        record = partition.search(template, ldb.SCOPE_BASE)[0]
        copy(partition, record, first_rid, range(2, count + 1), domain)

    database = ["-H", f"{directory}/private/sam.ldb", f"--configfile={directory}/etc/smb.conf"]
    acl = ["samba-tool", "dsacl"]
    people = f"--objectdn=OU=People,{base}"
    told = subprocess.run([*acl, "get", *database, people], check=True, capture_output=True, text=True)
    rights = "".join(re.findall(r"\(O[AU];CIIO;[^()]*\)", told.stdout))
    subprocess.run([*acl, "set", *database, f"--objectdn={crowd}", f"--sddl={rights}"], check=True, capture_output=True)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(int(sys.argv[1]), sys.argv[2].rstrip("/"))
