//! A backup: everything that a realm is made of, at one log index, in a [sealed file](crate::sealed_file).
//!
//! Inside are records, each with its length (u32, big-endian) before an envelope: the realm key, wrapped once more for the
//! file's recipient as it is for a node; the cells of the state, kind by kind; and last a manifest with the number, size
//! and SHA-256 of each kind's records. The realm key lies in no backup in clear, and nothing else is secret in a state
//! that is not sealed under it.

mod contents;
mod portable;
mod source;

pub(crate) use contents::write;
pub use contents::{Backup, Manifest, Section};
pub use source::RealmBackups;
