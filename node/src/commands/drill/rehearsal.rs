//! A backup of the living realm is restored beside it, into a folder that is thrown away, and compared with it. No node is
//! started from it: it would take itself for the realm's leader and write to the domain.

use super::journal::Journal;
use super::load::Load;
use super::{failed, own_command};
use crate::backup::Backup;
use crate::cli::OpenArgs;
use crate::client::Client;
use crate::commands::{Failure, open_file};
use crate::data_dir::DataDir;
use passquorum_domain::audit::verify_chain;
use passquorum_domain::config::RealmConfig;
use passquorum_domain::label::LabelKey;
use passquorum_domain::state::{CellKey, State};
use passquorum_raft::survey;
use std::path::{Path, PathBuf};
use tokio::time::Instant;

/// Nobody listens there: the restored node is not started.
const NOWHERE: [&str; 4] = ["--site-address", "127.0.0.1:1", "--cluster-address", "127.0.0.1:1"];

/// A folder beside the realm's data, with the same rights and on the same disk; gone when this is dropped.
struct Scratch(PathBuf);

impl Scratch {
    fn make(data: &DataDir) -> Result<Self, Failure> {
        let folder = data.drills().join("rehearsal");
        if folder.exists() {
            std::fs::remove_dir_all(&folder)?;
        }
        DataDir::at(&folder).create()?;
        Ok(Self(folder))
    }

    fn text(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            tracing::warn!(folder = %self.0.display(), %error, "a rehearsal's folder is left behind; remove it");
        }
    }
}

pub(super) async fn restore(
    client: &Client,
    data: &DataDir,
    load: &Load,
    journal: &mut Journal,
) -> Result<(), Failure> {
    let scratch = Scratch::make(data)?;
    let (file, key, node) = (scratch.text("realm.backup"), scratch.text("key"), scratch.text("node"));
    let recipient = own_command_of(&["backup", "keygen", &key]).await?;
    let written = load.acknowledged_keys();
    let begun = Instant::now();
    own_command(data.path(), &["backup", &file, "--recipient", &recipient]).await?;
    journal.measure_time("backup_ms", begun.elapsed());
    journal.measure("backup_bytes", std::fs::metadata(&file)?.len());
    journal.note("a backup is taken");

    let begun = Instant::now();
    let restore = [["restore", &file, "--key", &key, "--name", "rehearsal"].as_slice(), &NOWHERE].concat();
    own_command(Path::new(&node), &restore).await?;
    let restored = survey(&DataDir::at(Path::new(&node)).store()).await?;
    journal.measure_time("restore_ms", begun.elapsed());
    journal.note("it is restored beside the realm");

    let opened = OpenArgs { key: Some(key.into()), passphrase_file: None };
    let (sealed, opener) = open_file::open(Path::new(&file), &opened)?;
    let backup = Backup::read(sealed, &opener).map_err(|error| open_file::named(Path::new(&file), &error))?;
    compare_with_backup(&backup.state, &restored.state, journal);
    compare_with_realm(client, &restored.state, journal).await?;
    let missing = written.iter().filter(|key| !has(&restored.state, &load.pace.label(**key))).count();
    journal.measure("labels_compared", written.len() as u64);
    if missing > 0 {
        journal
            .fault(format!("{missing} writes are not in it that were acknowledged before the backup began"));
    }
    journal.note("it is compared with the realm");
    Ok(())
}

async fn own_command_of(arguments: &[&str]) -> Result<String, Failure> {
    let ran = tokio::process::Command::new(std::env::current_exe()?)
        .args(arguments)
        .kill_on_drop(true)
        .output()
        .await?;
    if !ran.status.success() {
        return Err(failed(String::from_utf8_lossy(&ran.stderr).trim().to_owned()));
    }
    Ok(String::from_utf8_lossy(&ran.stdout).trim().to_owned())
}

fn has(state: &State, label: &str) -> bool {
    LabelKey::parse(label).is_ok_and(|key| state.label(&key).is_some())
}

/// Whether a new epoch leaves such a cell as it was.
fn stays(key: &CellKey) -> bool {
    matches!(
        key,
        CellKey::Config
            | CellKey::Counter(_)
            | CellKey::Ticket(_)
            | CellKey::Label(_)
            | CellKey::Audit(_)
            | CellKey::Revision(_)
    )
}

fn compare_with_backup(backup: &State, restored: &State, journal: &mut Journal) {
    let keys: Vec<CellKey> = backup.cell_keys().filter(stays).collect();
    let differ = keys.iter().filter(|key| backup.cell(key) != restored.cell(key)).count();
    journal.measure("cells_compared", keys.len() as u64);
    if differ > 0 {
        journal.fault(format!("{differ} values are not what they are in the backup"));
    }
    if let Err(record) = verify_chain(restored.audit()) {
        journal.fault(format!("the audit chain does not fit together at record {record}"));
    }
}

async fn compare_with_realm(client: &Client, restored: &State, journal: &mut Journal) -> Result<(), Failure> {
    let Some(config) = restored.config() else {
        journal.fault("there is no configuration in it");
        return Ok(());
    };
    let path = format!("/api/v1/config/revisions/{}", config.revision);
    let living: RealmConfig = client.get(&path).await?;
    if living != **config {
        journal.fault(format!("configuration revision {} is not what the realm has", config.revision));
    }
    Ok(())
}
