//! How often attributes of an object were written: `replPropertyMetaData`, where the controller keeps a version for each
//! (MS-DRSR 5.163, PROPERTY_META_DATA_EXT_VECTOR). It names attributes by number (MS-DRSR 5.16.4), which the schema tells.
//!
//! Reading it takes the right to read that property of the user and nothing else. Where it cannot be read, or the
//! attribute's number is not known, there is no version; nothing here is an error.

use crate::connection::{Connection, Entry};
use crate::error::Fault;
use crate::filter;
use ldap3::Scope;
use tokio::sync::OnceCell;

pub(crate) const ATTRIBUTE: &str = "replPropertyMetaData";
const SCHEMA: &str = "schemaNamingContext";
/// Version, reserved, count, reserved.
const HEADER: usize = 16;
/// Number, version, time, originating invocation (16), originating and local USN.
const STAMP: usize = 48;
/// Object identifiers that every controller numbers alike: prefix and its number.
const PREFIXES: [(&str, u32); 6] = [
    ("2.5.4", 0),
    ("1.2.840.113556.1.2", 2),
    ("1.2.840.113556.1.4", 9),
    ("0.9.2342.19200300.100.1", 21),
    ("2.16.840.1.113730.3.1", 22),
    ("1.3.6.1.1.1.1", 37),
];
/// Above it the last part of an identifier would need a prefix of its own.
const MAX_LAST: u32 = 0x3FFF;

/// The number by which replication names an attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AttributeNumber(u32);

/// The numbers of some attributes, once the schema has told them.
#[derive(Debug, Default)]
pub(crate) struct Numbers(OnceCell<Vec<Option<AttributeNumber>>>);

impl Numbers {
    /// In the order of the names; always of the same names.
    pub(crate) async fn of(
        &self,
        connection: &Connection,
        names: &[&str],
    ) -> Result<Vec<Option<AttributeNumber>>, Fault> {
        let ask = || async {
            let root = connection.read("", filter::ANY, &[SCHEMA]).await?;
            let schema = root.as_ref().and_then(|root| root.text(SCHEMA)).unwrap_or_default();
            let mut numbers = Vec::new();
            for name in names {
                numbers.push(number(connection, schema, name).await?);
            }
            Ok(numbers)
        };
        match self.0.get_or_try_init(ask).await {
            Ok(numbers) => Ok(numbers.clone()),
            // Asked again next time.
            Err(Fault::Refused(_)) => Ok(vec![None; names.len()]),
            Err(fault) => Err(fault),
        }
    }
}

async fn number(connection: &Connection, schema: &str, name: &str) -> Result<Option<AttributeNumber>, Fault> {
    let (filter, wanted) = (filter::attribute_named(name), ["attributeID", "msDS-IntId"]);
    let found = connection.search(schema, Scope::OneLevel, &filter, &wanted, 1).await?;
    Ok(found.first().and_then(|entry| match entry.number("msDS-IntId") {
        // A signed number in the directory.
        Some(number) => i32::try_from(number).ok().map(|number| AttributeNumber(number.cast_unsigned())),
        None => of_identifier(entry.text("attributeID")?),
    }))
}

fn of_identifier(identifier: &str) -> Option<AttributeNumber> {
    let (prefix, last) = identifier.rsplit_once('.')?;
    let last: u32 = last.parse().ok().filter(|last| *last <= MAX_LAST)?;
    let (_, number) = PREFIXES.iter().find(|(known, _)| *known == prefix)?;
    Some(AttributeNumber(number << 16 | last))
}

/// The version of an attribute of an entry that was read with [`ATTRIBUTE`]; 0 of one that was never written.
pub(crate) fn of(entry: &Entry, number: Option<AttributeNumber>) -> Option<u32> {
    let values = entry.values(ATTRIBUTE);
    version(values.first()?, number?)
}

fn version(vector: &[u8], AttributeNumber(wanted): AttributeNumber) -> Option<u32> {
    let word = |bytes: &[u8], at: usize| {
        bytes.get(at..at + 4).and_then(|word| word.try_into().ok()).map(u32::from_le_bytes)
    };
    let (form, count) = (word(vector, 0)?, usize::try_from(word(vector, 8)?).ok()?);
    let stamps = vector.get(HEADER..)?;
    if form != 1 || count.checked_mul(STAMP) != Some(stamps.len()) {
        return None;
    }
    let of_wanted = stamps.chunks_exact(STAMP).find(|stamp| word(stamp, 0) == Some(wanted));
    of_wanted.map_or(Some(0), |stamp| word(stamp, 4))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// As Samba 4.17 gives it: two attributes, `objectClass` once written and `comment` fifteen times.
    fn vector() -> Vec<u8> {
        let stamp = |number: u32, version: u32| {
            [number.to_le_bytes().as_slice(), &version.to_le_bytes(), &[0xC3; 40]].concat()
        };
        let header = [1_u32, 0, 2, 0].map(u32::to_le_bytes).concat();
        [header, stamp(0, 1), stamp(0x9009C, 15)].concat()
    }

    #[test]
    fn the_version_of_an_attribute_is_read_and_one_never_written_has_none_yet() {
        assert_eq!(version(&vector(), AttributeNumber(0x9009C)), Some(15));
        assert_eq!(version(&vector(), AttributeNumber(0x9009D)), Some(0));
        assert_eq!(version(&vector()[..100], AttributeNumber(0x9009C)), None, "cut short");
    }

    #[test]
    fn attributes_have_their_numbers() {
        for (identifier, number) in [
            ("1.2.840.113556.1.4.156", Some(0x9009C)),
            ("1.2.840.113556.1.2.281", Some(0x20119)),
            ("0.9.2342.19200300.100.1.3", Some(0x15_0003)),
            ("2.5.4.0", Some(0)),
            ("1.2.840.113556.1.4.16384", None),
            ("1.3.6.1.4.1.99999.1", None),
            ("x", None),
        ] {
            assert_eq!(of_identifier(identifier), number.map(AttributeNumber), "{identifier}");
        }
    }

    proptest! {
        #[test]
        fn any_vector_is_read_without_a_panic(bytes in any::<Vec<u8>>(), number: u32) {
            version(&bytes, AttributeNumber(number));
        }

        #[test]
        fn one_that_is_cut_or_longer_tells_nothing(by in 1_usize..96) {
            let whole = vector();
            prop_assert_eq!(version(&whole[..whole.len() - by], AttributeNumber(0)), None);
            prop_assert_eq!(version(&[whole, vec![0; by]].concat(), AttributeNumber(0)), None);
        }
    }
}
