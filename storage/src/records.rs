//! What a member keeps about itself and its peers beside its log: few, small records, each in an envelope.
//!
//! They lie in the log's engine under `N` and their name, so that one written without a sync of its own rides along
//! with the next durable write of the log. This module must not know what a record means.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::codec::{self, Kind};
use crate::engine::{Batch, Durability, Engine, MAX_VALUE};
use crate::error::StoreError;

const TAG: u8 = b'N';

/// The records of a member. A clone is another handle on the same ones; the data directory stays locked as long as there
/// is one.
#[derive(Clone)]
pub struct Records(Arc<dyn Engine>);

impl fmt::Debug for Records {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Records").finish_non_exhaustive()
    }
}

impl Records {
    pub(crate) fn new(engine: Arc<dyn Engine>) -> Self {
        Self(engine)
    }

    /// Reads a record.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] if it is not what it should be.
    pub fn read<T: DeserializeOwned>(&self, kind: Kind, name: &str) -> Result<Option<T>, StoreError> {
        let Some(bytes) = self.0.get(&key(name))? else { return Ok(None) };
        let value = codec::decode(kind, &bytes);
        value.map(Some).map_err(|e| StoreError::corrupt("record", format!("{name}: {e}")))
    }

    /// Writes a record; [`Durability::Buffered`] lets it ride along with the next durable write of the log.
    ///
    /// # Errors
    /// The engine's, or [`StoreError::Refused`] for a record that is too large.
    pub fn write<T: Serialize>(
        &self,
        kind: Kind,
        name: &str,
        value: &T,
        durability: Durability,
    ) -> Result<(), StoreError> {
        let bytes = codec::encode(kind, value)
            .map_err(|e| StoreError::Refused(format!("the record {name} cannot be stored: {e}")))?;
        if bytes.len() > MAX_VALUE {
            return Err(StoreError::Refused(format!(
                "the record {name} of {} bytes is too large",
                bytes.len()
            )));
        }
        let mut batch = Batch::default();
        batch.put(key(name), bytes);
        self.0.write(batch, durability)
    }
}

fn key(name: &str) -> Vec<u8> {
    let mut key = vec![TAG];
    key.extend_from_slice(name.as_bytes());
    key
}
