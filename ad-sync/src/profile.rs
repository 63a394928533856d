//! The attribute that holds the sealed profile: `pq1:` and base64, in one value. While profiles move to another
//! attribute, one that is not there yet is found in the former; whatever is written goes to the new one, and takes the
//! copy in the former away in the same modification.
//!
//! Anything else in it is foreign and is never overwritten. Writing is compare-and-swap: the old value is deleted and
//! the new one added in one modification, which fails as a whole when the old one is not there any more.

use crate::connection::{Change, Connection, dn_of};
use crate::error::Fault;
use crate::filter;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use passquorum_domain::blob::Blob;
use passquorum_domain::config::DomainConnection;
use passquorum_domain::directory::ObjectGuid;
use passquorum_domain::ports::DirectoryReason;

pub(crate) const PREFIX: &str = "pq1:";
/// The most bytes that a profile may have. Directories take more in some attributes, but answer slowly then.
const MAX: usize = 1024 * 1024;

/// Where profiles are.
#[derive(Debug, Clone)]
pub struct ProfileAttributes {
    present: String,
    former: Option<String>,
}

impl ProfileAttributes {
    /// Those that a domain connection names.
    #[must_use]
    pub fn of(connection: &DomainConnection) -> Self {
        Self {
            present: connection.profile_attribute.clone(),
            former: connection.former_profile_attribute.clone(),
        }
    }

    /// These by name.
    #[must_use]
    pub fn new(present: &str, former: Option<&str>) -> Self {
        Self { present: present.to_owned(), former: former.map(str::to_owned) }
    }

    pub(crate) fn former(&self) -> Option<&str> {
        self.former.as_deref()
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.present.as_str()).chain(self.former.as_deref())
    }
}

/// What stands in the attributes of one user.
struct Held {
    present: Option<Blob>,
    former: Option<Blob>,
}

impl Held {
    /// The profile: what is in the former attribute counts only while there is nothing in the new one.
    fn profile(&self) -> Option<&Blob> {
        self.present.as_ref().or(self.former.as_ref())
    }
}

async fn held(
    connection: &Connection,
    guid: ObjectGuid,
    attributes: &ProfileAttributes,
) -> Result<Held, Fault> {
    let wanted: Vec<&str> = attributes.names().collect();
    let entry = connection.read(&dn_of(guid), filter::USER, &wanted).await?;
    let entry = entry.ok_or(Fault::Because(DirectoryReason::NotFound))?;
    let value = |attribute: &str| match entry.values(attribute).as_slice() {
        [] => Ok(None),
        [value] => decode(value).map(Some),
        _ => Err(DirectoryReason::ForeignValue),
    };
    Ok(Held {
        present: value(&attributes.present).map_err(Fault::Because)?,
        // What others wrote there is none of ours to move.
        former: attributes.former.as_deref().and_then(|former| value(former).ok().flatten()),
    })
}

pub(crate) async fn read(
    connection: &Connection,
    guid: ObjectGuid,
    attributes: &ProfileAttributes,
) -> Result<Option<Blob>, Fault> {
    Ok(held(connection, guid, attributes).await?.profile().cloned())
}

pub(crate) async fn write(
    connection: &Connection,
    guid: ObjectGuid,
    attributes: &ProfileAttributes,
    expected: Option<&Blob>,
    new: Option<&Blob>,
) -> Result<(), Fault> {
    if new.is_some_and(|blob| blob.as_bytes().len() > MAX) {
        return Err(Fault::Because(DirectoryReason::TooLarge));
    }
    // Tells a foreign value from a changed one; the modification below is what decides.
    let held = held(connection, guid, attributes).await?;
    if held.profile() != expected {
        return Err(Fault::Because(DirectoryReason::Changed));
    }
    let present = &attributes.present;
    let mut changes = Vec::new();
    if held.present.as_ref() != new {
        changes.extend(held.present.as_ref().map(|blob| Change::Delete(present, encode(blob))));
        changes.extend(new.map(|blob| Change::Add(present, encode(blob))));
    }
    if let (Some(former), Some(blob)) = (&attributes.former, &held.former) {
        changes.push(Change::Delete(former, encode(blob)));
    }
    if changes.is_empty() { Ok(()) } else { connection.modify(&dn_of(guid), changes, Vec::new()).await }
}

fn encode(blob: &Blob) -> Vec<u8> {
    format!("{PREFIX}{}", STANDARD.encode(blob.as_bytes())).into_bytes()
}

fn decode(value: &[u8]) -> Result<Blob, DirectoryReason> {
    let encoded = value.strip_prefix(PREFIX.as_bytes()).ok_or(DirectoryReason::ForeignValue)?;
    STANDARD.decode(encoded).map(Blob::from).map_err(|_| DirectoryReason::ForeignValue)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_written_form_is_fixed() {
        assert_eq!(encode(&Blob::from(&b"\x00\xff"[..])), b"pq1:AP8=");
        assert_eq!(decode(b"pq1:AP8=").unwrap(), Blob::from(&b"\x00\xff"[..]));
    }

    #[test]
    fn what_others_wrote_is_foreign() {
        for value in [&b"a note"[..], b"pq2:AP8=", b"pq1:not base64", b"", b"pq1:AP8"] {
            assert_eq!(decode(value), Err(DirectoryReason::ForeignValue), "{value:?}");
        }
    }

    proptest! {
        #[test]
        fn any_profile_comes_back_as_it_was(bytes in any::<Vec<u8>>()) {
            let blob = Blob::from(bytes);
            prop_assert_eq!(decode(&encode(&blob)), Ok(blob));
        }

        #[test]
        fn any_value_is_read_without_a_panic(bytes in any::<Vec<u8>>()) {
            decode(&bytes).ok();
        }
    }
}
