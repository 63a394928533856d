//! The attribute that holds the sealed profile, in one value: `pq1:` and base64, or `pq2:`, the digest of the requirements
//! that it was made under, `:` and base64. While profiles move to another attribute, one that is not there yet is found in
//! the former; whatever is written goes to the new one, and takes the copy in the former away in the same modification.
//!
//! Anything else in it is foreign and is never overwritten. Writing is compare-and-swap: the old value is deleted and
//! the new one added in one modification, which fails as a whole when the old one is not there any more.

use crate::connection::{Change, Connection, dn_of};
use crate::error::Fault;
use crate::filter;
use crate::versions::{self, Numbers};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use passquorum_domain::blob::Blob;
use passquorum_domain::config::DomainConnection;
use passquorum_domain::directory::ObjectGuid;
use passquorum_domain::ports::DirectoryReason;
use passquorum_domain::profile::{HeldProfile, Place, ProfileValue};
use std::sync::Arc;

/// What a profile begins with, one for each form.
pub(crate) const PREFIXES: [&str; 2] = [SEALED, SEALED_UNDER];
const SEALED: &str = "pq1:";
const SEALED_UNDER: &str = "pq2:";
/// The most bytes that the value may have. Directories take more in some attributes, but answer slowly then.
const MAX: usize = 1_400_000;

/// Where profiles are.
#[derive(Debug, Clone)]
pub struct ProfileAttributes {
    present: String,
    former: Option<String>,
    numbers: Arc<Numbers>,
}

impl ProfileAttributes {
    /// Those that a domain connection names.
    #[must_use]
    pub fn of(connection: &DomainConnection) -> Self {
        Self::new(&connection.profile_attribute, connection.former_profile_attribute.as_deref())
    }

    /// These by name.
    #[must_use]
    pub fn new(present: &str, former: Option<&str>) -> Self {
        let (present, former) = (present.to_owned(), former.map(str::to_owned));
        Self { present, former, numbers: Arc::default() }
    }

    pub(crate) fn former(&self) -> Option<&str> {
        self.former.as_deref()
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.present.as_str()).chain(self.former.as_deref())
    }

    /// The numbers of [`Self::names`].
    pub(crate) async fn numbers(
        &self,
        connection: &Connection,
    ) -> Result<Vec<Option<versions::AttributeNumber>>, Fault> {
        self.numbers.of(connection, &self.names().collect::<Vec<_>>()).await
    }
}

/// What stands in the attributes of one user.
struct Held {
    present: Option<ProfileValue>,
    former: Option<ProfileValue>,
    places: Vec<Place>,
}

impl Held {
    /// The profile: what is in the former attribute counts only while there is nothing in the new one.
    fn profile(&self) -> Option<&ProfileValue> {
        self.present.as_ref().or(self.former.as_ref())
    }

    fn into_profile(self, attributes: &ProfileAttributes) -> HeldProfile {
        let mut places = self.places.into_iter();
        let nowhere = || Place { attribute: attributes.present.clone(), version: None };
        let next = places.next().unwrap_or_else(nowhere);
        let at = match (&self.present, &self.former) {
            (None, Some(_)) => places.next().unwrap_or_else(nowhere),
            _ => next.clone(),
        };
        HeldProfile { value: self.present.or(self.former), at, next }
    }
}

async fn held(
    connection: &Connection,
    guid: ObjectGuid,
    attributes: &ProfileAttributes,
) -> Result<Held, Fault> {
    let numbers = attributes.numbers(connection).await?;
    let wanted: Vec<&str> = attributes.names().chain([versions::ATTRIBUTE]).collect();
    let entry = connection.read(&dn_of(guid), filter::USER, &wanted).await?;
    let entry = entry.ok_or(Fault::Because(DirectoryReason::NotFound))?;
    let value = |attribute: &str| match entry.values(attribute).as_slice() {
        [] => Ok(None),
        [value] => decode(value).map(Some),
        _ => Err(DirectoryReason::ForeignValue),
    };
    let place = |(name, number): (&str, _)| Place {
        attribute: name.to_owned(),
        version: versions::of(&entry, number),
    };
    Ok(Held {
        present: value(&attributes.present).map_err(Fault::Because)?,
        // What others wrote there is none of ours to move.
        former: attributes.former.as_deref().and_then(|former| value(former).ok().flatten()),
        places: attributes.names().zip(numbers).map(place).collect(),
    })
}

pub(crate) async fn read(
    connection: &Connection,
    guid: ObjectGuid,
    attributes: &ProfileAttributes,
) -> Result<HeldProfile, Fault> {
    Ok(held(connection, guid, attributes).await?.into_profile(attributes))
}

pub(crate) async fn write(
    connection: &Connection,
    guid: ObjectGuid,
    attributes: &ProfileAttributes,
    expected: &HeldProfile,
    new: Option<&ProfileValue>,
) -> Result<(), Fault> {
    let encoded = new.map(encode);
    if encoded.as_ref().is_some_and(|value| value.len() > MAX) {
        return Err(Fault::Because(DirectoryReason::TooLarge));
    }
    // Tells a foreign value from a changed one; the modification below is what decides.
    let held = held(connection, guid, attributes).await?;
    // What was sealed over another version would not be taken for ours when it is read.
    let moved_on = held.places.first().is_none_or(|place| place.version != expected.next.version);
    if held.profile() != expected.value.as_ref() || (new.is_some() && moved_on) {
        return Err(Fault::Because(DirectoryReason::Changed));
    }
    let present = &attributes.present;
    let mut changes = Vec::new();
    if held.present.as_ref() != new {
        changes.extend(held.present.as_ref().map(|value| Change::Delete(present, encode(value))));
        changes.extend(encoded.map(|value| Change::Add(present, value)));
    }
    if let (Some(former), Some(value)) = (&attributes.former, &held.former) {
        changes.push(Change::Delete(former, encode(value)));
    }
    if changes.is_empty() { Ok(()) } else { connection.modify(&dn_of(guid), changes, Vec::new()).await }
}

pub(crate) fn encode(value: &ProfileValue) -> Vec<u8> {
    let sealed = STANDARD.encode(value.sealed.as_bytes());
    match value.digest {
        None => format!("{SEALED}{sealed}"),
        Some(digest) => format!("{SEALED_UNDER}{digest}:{sealed}"),
    }
    .into_bytes()
}

pub(crate) fn decode(value: &[u8]) -> Result<ProfileValue, DirectoryReason> {
    let read = || {
        let text = std::str::from_utf8(value).ok()?;
        let (digest, sealed) = match text.strip_prefix(SEALED) {
            Some(sealed) => (None, sealed),
            None => {
                let (digest, sealed) = text.strip_prefix(SEALED_UNDER)?.split_once(':')?;
                (Some(digest.parse().ok()?), sealed)
            }
        };
        Some(ProfileValue { sealed: STANDARD.decode(sealed).map(Blob::from).ok()?, digest })
    };
    read().ok_or(DirectoryReason::ForeignValue)
}

#[cfg(test)]
mod tests {
    use super::*;
    use passquorum_domain::profile::RequirementsDigest;
    use proptest::prelude::*;

    fn value(bytes: &[u8], digest: Option<&str>) -> ProfileValue {
        ProfileValue { sealed: Blob::from(bytes), digest: digest.map(|digest| digest.parse().unwrap()) }
    }

    #[test]
    fn the_written_forms_are_fixed() {
        let plain = value(b"\x00\xff", None);
        assert_eq!(encode(&plain), b"pq1:AP8=");
        assert_eq!(decode(b"pq1:AP8="), Ok(plain));
        let hinted = value(b"\x00\xff", Some("0123456789abcdef"));
        assert_eq!(encode(&hinted), b"pq2:0123456789abcdef:AP8=");
        assert_eq!(decode(b"pq2:0123456789abcdef:AP8="), Ok(hinted));
    }

    #[test]
    fn what_others_wrote_is_foreign() {
        for value in [
            &b"a note"[..],
            b"pq2:AP8=",
            b"pq2::AP8=",
            b"pq2:0123456789ABCDEF:AP8=",
            b"pq2:0123456789abcdef:AP8",
            b"pq3:AP8=",
            b"pq1:not base64",
            b"",
            b"pq1:AP8",
        ] {
            assert_eq!(decode(value), Err(DirectoryReason::ForeignValue), "{value:?}");
        }
    }

    proptest! {
        #[test]
        fn any_profile_comes_back_as_it_was(bytes in any::<Vec<u8>>(), digest in proptest::option::of("[0-9a-f]{16}")) {
            let digest: Option<RequirementsDigest> = digest.map(|digest| digest.parse().unwrap());
            let value = ProfileValue { sealed: Blob::from(bytes), digest };
            prop_assert_eq!(decode(&encode(&value)), Ok(value));
        }

        #[test]
        fn any_value_is_read_without_a_panic(bytes in any::<Vec<u8>>()) {
            decode(&bytes).ok();
        }

        #[test]
        fn what_is_read_is_written_the_same(text in "pq[12]:([0-9a-f]{16}:)?[A-Za-z0-9+/]{0,12}={0,2}") {
            if let Ok(value) = decode(text.as_bytes()) {
                prop_assert_eq!(encode(&value), text.into_bytes());
            }
        }
    }
}
