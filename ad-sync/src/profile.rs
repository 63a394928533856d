//! The attribute that holds the sealed profile: `pq1:` and base64, in one value.
//!
//! Anything else in it is foreign and is never overwritten. Writing is compare-and-swap: the old value is deleted and
//! the new one added in one modification, which fails as a whole when the old one is not there any more.

use crate::connection::{Change, Connection, dn_of};
use crate::error::Fault;
use crate::filter;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use passquorum_domain::blob::Blob;
use passquorum_domain::directory::ObjectGuid;
use passquorum_domain::ports::DirectoryReason;

const PREFIX: &str = "pq1:";
/// The most bytes that a profile may have. Directories take more in some attributes, but answer slowly then.
const MAX: usize = 1024 * 1024;

pub(crate) async fn read(
    connection: &Connection,
    guid: ObjectGuid,
    attribute: &str,
) -> Result<Option<Blob>, Fault> {
    let entry = connection.read(&dn_of(guid), filter::USER, &[attribute]).await?;
    let entry = entry.ok_or(Fault::Because(DirectoryReason::NotFound))?;
    match entry.values(attribute).as_slice() {
        [] => Ok(None),
        [value] => decode(value).map(Some).map_err(Fault::Because),
        _ => Err(Fault::Because(DirectoryReason::ForeignValue)),
    }
}

pub(crate) async fn write(
    connection: &Connection,
    guid: ObjectGuid,
    attribute: &str,
    expected: Option<&Blob>,
    new: Option<&Blob>,
) -> Result<(), Fault> {
    if new.is_some_and(|blob| blob.as_bytes().len() > MAX) {
        return Err(Fault::Because(DirectoryReason::TooLarge));
    }
    // Tells a foreign value from a changed one; the modification below is what decides.
    if read(connection, guid, attribute).await?.as_ref() != expected {
        return Err(Fault::Because(DirectoryReason::Changed));
    }
    let delete = expected.map(|blob| Change::Delete(attribute, encode(blob)));
    let add = new.map(|blob| Change::Add(attribute, encode(blob)));
    let changes: Vec<_> = delete.into_iter().chain(add).collect();
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
