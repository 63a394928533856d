//! Group membership: direct, through other groups, or as the primary group, which is in no `member` attribute.
//!
//! A group that is not there is an error, not "no member": it may be a denied one that was renamed.

use crate::connection::{Connection, dn_of};
use crate::error::Fault;
use crate::filter;
use passquorum_domain::directory::{DistinguishedName, ObjectGuid};
use passquorum_domain::ports::DirectoryReason;

pub(crate) async fn member_of(
    connection: &Connection,
    guid: ObjectGuid,
    groups: &[DistinguishedName],
) -> Result<Vec<DistinguishedName>, Fault> {
    let user = dn_of(guid);
    let entry = connection.read(&user, filter::USER, &["objectSid", "primaryGroupID"]).await?;
    let entry = entry.ok_or(Fault::Because(DirectoryReason::NotFound))?;
    let primary = entry.values("objectSid").first().copied().zip(entry.number("primaryGroupID"));
    let primary = primary.and_then(|(sid, rid)| Some(sibling(sid, rid.try_into().ok()?)));
    let mut found = Vec::new();
    for group in groups {
        let Some(object) = connection.read(group.as_str(), filter::ANY, &["objectSid"]).await? else {
            tracing::warn!(group = group.as_str(), "a configured group is not in the directory");
            return Err(Fault::Because(DirectoryReason::NotFound));
        };
        let chain = filter::member_in_chain(group);
        let is_member = match &primary {
            Some(primary) if object.values("objectSid").first() == Some(&primary.as_slice()) => true,
            Some(primary) => {
                connection.read(&user, &chain, &["objectGUID"]).await?.is_some()
                    || connection.read(&dn_of_sid(primary), &chain, &["objectGUID"]).await?.is_some()
            }
            None => connection.read(&user, &chain, &["objectGUID"]).await?.is_some(),
        };
        if is_member {
            found.push(group.clone());
        }
    }
    Ok(found)
}

/// The security identifier in the same domain with another relative id: the last four bytes (MS-DTYP 2.4.2.2).
fn sibling(sid: &[u8], rid: u32) -> Vec<u8> {
    let domain = sid.get(..sid.len().saturating_sub(4)).unwrap_or_default();
    [domain, &rid.to_le_bytes()].concat()
}

/// The last part of a security identifier, which names the object in its domain.
pub(crate) fn relative_id(sid: &[u8]) -> Option<u32> {
    sid.last_chunk().map(|rid| u32::from_le_bytes(*rid))
}

/// The object with this security identifier, as hexadecimal digits (MS-ADTS 3.1.1.3.1.2.4).
fn dn_of_sid(sid: &[u8]) -> String {
    let digits: String = sid.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("<SID={digits}>")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_primary_groups_identifier_is_the_users_with_another_end() {
        let user = [1, 5, 0, 0, 0, 0, 0, 5, 21, 0, 0, 0, 1, 2, 3, 4, 0x51, 4, 0, 0];
        let group = sibling(&user, 513);
        assert_eq!(group[..16], user[..16]);
        assert_eq!(group[16..], [1, 2, 0, 0]);
        assert_eq!(dn_of_sid(&group[14..]), "<SID=030401020000>");
        assert_eq!(relative_id(&group), Some(513));
    }
}
