//! What is in a backup, written from a state and read back into one.

use crate::keyring::WrapKey;
use crate::sealed_file::{Clear, Contents, Header, SealedFile, SealedFileError, Sealer};
use passquorum_domain::feature_level::FeatureLevel;
use passquorum_domain::instance::KeyWrap;
use passquorum_domain::state::{Cell, CellKey, State};
use passquorum_storage::codec::{self, Kind};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::io::{self, Read, Write};

const RECORD: Kind = Kind::new(161, 1);
const KEY_SECTION: &str = "realm key";

#[derive(Serialize, Deserialize)]
enum Record {
    /// The realm key for the recipient.
    RealmKey(KeyWrap),
    /// One cell of the state.
    Cell(CellKey, Box<Cell>),
    /// The last record.
    Manifest(Manifest),
}

/// What a backup says of itself at its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// What the realm is called: the organisation of its configuration.
    pub realm_name: String,
    /// The records, by what they hold.
    pub sections: BTreeMap<String, Section>,
}

/// The records of one kind.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Section {
    /// How many.
    pub records: u64,
    /// Their bytes.
    pub bytes: u64,
    /// SHA-256 of them, one after another.
    pub sha256: [u8; 32],
}

/// A backup that was read to its end and found whole.
pub struct Backup {
    /// What it says in clear.
    pub header: Header,
    /// The state.
    pub state: State,
    /// The realm key, for whom the backup is sealed to.
    pub key: KeyWrap,
    /// What it says of itself.
    pub manifest: Manifest,
}

/// The name of a section in the manifest.
fn section(key: &CellKey) -> &'static str {
    match key {
        CellKey::Realm => "realm",
        CellKey::Config => "configuration",
        CellKey::Totals => "totals",
        CellKey::Instance(_) => "nodes",
        CellKey::Wrap(_) => "key wraps",
        CellKey::Keys => "key generations",
        CellKey::Certificate(_) => "certificates",
        CellKey::JoinToken(_) => "join tokens",
        CellKey::ApiToken(_) => "API tokens",
        CellKey::Counter(_) => "attempt counters",
        CellKey::Ticket(_) => "tickets",
        CellKey::Label(_) => "labels",
        CellKey::Audit(_) => "audit records",
        CellKey::Request(_) => "remembered requests",
        CellKey::Replacement(_) => "replacements",
        CellKey::Revision(_) => "past revisions",
        CellKey::Level => "feature level",
        CellKey::Passcode(_) => "passcodes",
        CellKey::Mail(_) => "mails",
        CellKey::MailCode(_) => "codes by mail",
        CellKey::TurnedOff(_) => "notification choices",
    }
}

/// The sections as their records go by.
#[derive(Default)]
struct Tally(BTreeMap<String, (Section, Sha256)>);

impl Tally {
    fn add(&mut self, section: &str, record: &[u8]) {
        if !self.0.contains_key(section) {
            self.0.insert(section.to_owned(), Default::default());
        }
        if let Some((section, digest)) = self.0.get_mut(section) {
            section.records = section.records.saturating_add(1);
            section.bytes = section.bytes.saturating_add(record.len() as u64);
            digest.update(record);
        }
    }

    fn close(self) -> BTreeMap<String, Section> {
        let closed = |(name, (section, digest)): (String, (Section, Sha256))| {
            (name, Section { sha256: digest.finalize().into(), ..section })
        };
        self.0.into_iter().map(closed).collect()
    }
}

/// Writes a state and the key into a file that was begun, and ends it.
///
/// # Errors
/// The output's.
pub(crate) fn write<W: Write>(mut file: Sealer<W>, state: &State, key: KeyWrap) -> io::Result<W> {
    let mut tally = Tally::default();
    let record = put(&mut file, &Record::RealmKey(key))?;
    tally.add(KEY_SECTION, &record);
    for key in state.cell_keys() {
        let Some(cell) = state.cell(&key) else { continue };
        let name = section(&key);
        let record = put(&mut file, &Record::Cell(key, Box::new(cell)))?;
        tally.add(name, &record);
    }
    let realm_name = state.config().map(|config| config.general.organisation.clone()).unwrap_or_default();
    put(&mut file, &Record::Manifest(Manifest { realm_name, sections: tally.close() }))?;
    file.finish()
}

fn put(file: &mut impl Write, record: &Record) -> io::Result<Vec<u8>> {
    let record = codec::encode(RECORD, record).map_err(io::Error::other)?;
    let length = u32::try_from(record.len()).map_err(io::Error::other)?;
    file.write_all(&length.to_be_bytes())?;
    file.write_all(&record)?;
    Ok(record)
}

fn next<R: Read>(file: &mut Clear<R>) -> Result<Vec<u8>, SealedFileError> {
    let mut length = [0; 4];
    file.read_exact(&mut length)?;
    let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
    if length > codec::MAX_PAYLOAD.saturating_add(codec::OVERHEAD) {
        return Err(SealedFileError::Unreadable(format!("a record of {length} bytes")));
    }
    let mut record = vec![0; length];
    file.read_exact(&mut record)?;
    Ok(record)
}

impl Backup {
    /// Reads a backup to its end with the key of [`SealedFile::key`].
    ///
    /// # Errors
    /// It is damaged, of another release, or not what its manifest says.
    pub fn read<R: Read>(file: SealedFile<R>, key: &WrapKey) -> Result<Self, SealedFileError> {
        let header = file.header().clone();
        let mut file = file.open(key, Contents::Backup)?;
        let mut tally = Tally::default();
        let (mut state, mut key) = (State::default(), None);
        let manifest = loop {
            let record = next(&mut file)?;
            let unreadable = |error: codec::CodecError| SealedFileError::Unreadable(error.to_string());
            match codec::decode(RECORD, &record).map_err(unreadable)? {
                Record::RealmKey(wrap) => {
                    tally.add(KEY_SECTION, &record);
                    key = Some(wrap);
                }
                Record::Cell(name, cell) => {
                    tally.add(section(&name), &record);
                    // It stands before everything that an older program may not be able to read.
                    if let Cell::Level(level) = *cell
                        && level > FeatureLevel::CURRENT
                    {
                        return Err(SealedFileError::LevelTooHigh(level));
                    }
                    let restored = state.restore_cell(name, *cell);
                    restored.map_err(|error| SealedFileError::Disagrees(error.to_string()))?;
                }
                Record::Manifest(manifest) => break manifest,
            }
        };
        file.end()?;
        agree(&tally.close(), &manifest.sections)?;
        let key = key.ok_or_else(|| SealedFileError::Disagrees("the realm key is not in it".to_owned()))?;
        if state.realm().is_none_or(|realm| realm.id != header.realm || realm.epoch != header.epoch) {
            return Err(SealedFileError::Disagrees("it is of another realm than its header says".to_owned()));
        }
        Ok(Self { header, state, key, manifest })
    }
}

fn agree(
    found: &BTreeMap<String, Section>,
    listed: &BTreeMap<String, Section>,
) -> Result<(), SealedFileError> {
    let name = found.keys().chain(listed.keys()).find(|name| found.get(*name) != listed.get(*name));
    match name {
        None => Ok(()),
        Some(name) => Err(SealedFileError::Disagrees(format!("the {name} are not what its manifest says"))),
    }
}

#[cfg(test)]
mod tests;
