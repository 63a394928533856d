//! Values that name their fields wherever they are kept, so that later releases may add some.
//!
//! The binary form of a struct is its fields in order, which can never change once it was written. A [`Document`] is JSON
//! inside that form. What was a struct in the log and the state from the beginning keeps that compact form up to the first
//! feature level and is a document above it; a field that came later has a place in the document only ([`only`]).

use crate::blob::Blob;
use serde::de::{DeserializeOwned, Error as _};
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A value that is JSON in binary formats too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document<T>(pub T);

impl<T: Serialize> Serialize for Document<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            return self.0.serialize(serializer);
        }
        let json = serde_json::to_vec(&self.0).map_err(S::Error::custom)?;
        Blob::from(json).serialize(serializer)
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Document<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            return T::deserialize(deserializer).map(Self);
        }
        let json = Blob::deserialize(deserializer)?;
        serde_json::from_slice(json.as_bytes()).map(Self).map_err(D::Error::custom)
    }
}

/// For `#[serde(default, with = "document::only")]`: a field that stands in documents, and takes no byte of the compact form.
/// Whatever sets it must need a feature level at which no compact form is written.
pub mod only {
    use super::{Deserialize, Deserializer, Serialize, Serializer};

    /// Writes the field into a document, and nothing elsewhere.
    pub fn serialize<T: Serialize, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() { value.serialize(serializer) } else { serializer.serialize_unit() }
    }

    /// Reads the field from a document; elsewhere it is as if never set.
    pub fn deserialize<'de, T, D>(deserializer: D) -> Result<T, D::Error>
    where
        T: Deserialize<'de> + Default,
        D: Deserializer<'de>,
    {
        if deserializer.is_human_readable() {
            T::deserialize(deserializer)
        } else {
            <()>::deserialize(deserializer)?;
            Ok(T::default())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
    struct Old {
        name: String,
        last: u8,
    }

    #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
    struct New {
        name: String,
        #[serde(default, with = "super::only", skip_serializing_if = "Vec::is_empty")]
        sites: Vec<String>,
        last: u8,
    }

    fn binary<T: Serialize>(value: &T) -> Vec<u8> {
        bincode::serde::encode_to_vec(value, bincode::config::standard()).unwrap()
    }

    fn read<T: DeserializeOwned>(bytes: &[u8]) -> T {
        let (value, length) = bincode::serde::decode_from_slice(bytes, bincode::config::standard()).unwrap();
        assert_eq!(length, bytes.len());
        value
    }

    #[test]
    fn a_later_field_changes_no_byte_of_the_compact_form() {
        let old = Old { name: "one".into(), last: 7 };
        let new = |sites: &[&str]| New {
            name: "one".into(),
            sites: sites.iter().map(ToString::to_string).collect(),
            last: 7,
        };
        assert_eq!(binary(&new(&[])), binary(&old));
        assert_eq!(read::<New>(&binary(&old)), new(&[]));
        assert_eq!(binary(&new(&["Berlin"])), binary(&old), "it has no place there");
        assert_eq!(read::<Old>(&binary(&new(&["Berlin"]))), old);
    }

    #[test]
    fn a_document_keeps_every_field_and_reads_what_had_fewer() {
        let new = New { name: "one".into(), sites: vec!["Berlin".into()], last: 7 };
        assert_eq!(read::<Document<New>>(&binary(&Document(new.clone()))).0, new);
        let old = Document(Old { name: "one".into(), last: 7 });
        assert_eq!(read::<Document<New>>(&binary(&old)).0, New { sites: Vec::new(), ..new });
        assert_eq!(serde_json::to_string(&old).unwrap(), r#"{"name":"one","last":7}"#);
    }
}
