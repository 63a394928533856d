//! Keeps what is known of a state that diverged, for whoever looks for the cause: a folder under the data directory, for
//! the owner alone.
//!
//! ```text
//! evidence/diverged-INDEX/
//!   report.json   what each node said, and where they differ
//!   cells         per cell: u32 length, key, u32 length, value
//!   log           per entry: u32 length, envelope
//! ```
//! Numbers are big-endian; keys, values and entries are as they are stored. What is secret in them is sealed.

use crate::data_dir::DataDir;
use crate::secret_file::{self, SecretFileError};
use passquorum_raft::Evidence;
use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;

/// Writes the evidence durably and answers where it is.
///
/// # Errors
/// The file system's.
pub(crate) fn keep(data: &DataDir, evidence: &Evidence) -> Result<PathBuf, SecretFileError> {
    let folder = data.evidence().join(format!("diverged-{}", evidence.report.index));
    DirBuilder::new().recursive(true).mode(0o700).create(&folder).map_err(SecretFileError::io(&folder))?;
    let report = serde_json::to_vec_pretty(&evidence.report)
        .map_err(|error| SecretFileError::io(&folder)(std::io::Error::other(error)))?;
    secret_file::write(&folder.join("report.json"), &report)?;
    let mut cells = Vec::new();
    for (key, value) in evidence.cells() {
        put(&mut cells, &key);
        put(&mut cells, &value);
    }
    secret_file::write(&folder.join("cells"), &cells)?;
    let mut log = Vec::new();
    evidence.log.iter().for_each(|entry| put(&mut log, entry));
    secret_file::write(&folder.join("log"), &log)?;
    Ok(folder)
}

fn put(file: &mut Vec<u8>, bytes: &[u8]) {
    // Keys, values and entries are a few MiB at most.
    file.extend_from_slice(&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
    file.extend_from_slice(bytes);
}
