//! `backup`: takes one through the API of a running node, checks one, and makes keys for them.
//!
//! The node seals the backup; this side writes it beside its place and reads it back, where it can, before it gets its
//! name.

use super::{Exit, Failure, answer, data_dir, open_file};
use crate::backup::Backup;
use crate::cli::{BackupArgs, BackupCommand, KeygenArgs, SealArgs, VerifyArgs};
use crate::client::Client;
use crate::env::SystemEntropy;
use crate::keyring::WrapKey;
use crate::sealed_file::{Header, Recipient, SealedFile, key_text};
use crate::secret_file::{self, NewSecretFile};
use passquorum_domain::audit::verify_chain;
use serde_json::{Value, json};
use std::io::{BufReader, Write as _};
use std::path::Path;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

pub(super) async fn run(args: BackupArgs) -> Result<(), Failure> {
    match args.command {
        Some(BackupCommand::Verify(args)) => verify(&args),
        Some(BackupCommand::Keygen(args)) => keygen(&args),
        None => match &args.file {
            Some(file) => take(&args, file).await,
            None => Err(Failure::usage("name a file")),
        },
    }
}

async fn take(args: &BackupArgs, file: &Path) -> Result<(), Failure> {
    let client = Client::of(data_dir(&args.output.local.dir)?);
    let saved = save(&client, "/api/v1/backups", file, &args.seal).await?;
    let checked = match &saved.key {
        Some(key) => {
            let written = SealedFile::read(BufReader::new(saved.file.reader()?));
            let read = written.and_then(|written| Backup::read(written, key));
            Some(read.map_err(|error| open_file::named(file, &error))?)
        }
        None => None,
    };
    saved.file.keep()?;
    let described = describe(&saved.header, checked.as_ref());
    if args.output.json {
        return answer(&described.to_string());
    }
    answer(&format!("written to {}: {}", file.display(), headline(&saved.header)))?;
    match checked {
        Some(_) => answer("it was read back, and is whole"),
        None => answer("check it where its key is: passquorum backup verify"),
    }
}

/// A sealed file that came from the node and has no name yet.
pub(super) struct Saved {
    pub(super) file: NewSecretFile,
    pub(super) header: Header,
    /// What opens it, when it is known here.
    pub(super) key: Option<WrapKey>,
}

/// Has the node seal something, and writes it down.
pub(super) async fn save(
    client: &Client,
    path: &str,
    file: &Path,
    seal: &SealArgs,
) -> Result<Saved, Failure> {
    if file.exists() {
        return Err(Failure::usage(format!("{} is there already; choose another name", file.display())));
    }
    let open_file::Sealing { recipient, key } = open_file::seal(seal)?;
    let mut download = client.stream(path, &json!({ "recipient": recipient.to_string() })).await?;
    let mut saved = NewSecretFile::create(file)?;
    while let Some(piece) = download.piece().await? {
        saved.write_all(&piece)?;
    }
    let header = SealedFile::read(BufReader::new(saved.reader()?));
    let header = header.map_err(|error| open_file::named(file, &error))?.header().clone();
    Ok(Saved { file: saved, header, key })
}

fn verify(args: &VerifyArgs) -> Result<(), Failure> {
    let (file, key) = open_file::open(&args.file, &args.open)?;
    let backup = Backup::read(file, &key).map_err(|error| open_file::named(&args.file, &error))?;
    let chain = verify_chain(backup.state.audit());
    if args.json {
        answer(&describe(&backup.header, Some(&backup)).to_string())?;
    } else {
        answer(&format!("{} is whole: {}", args.file.display(), headline(&backup.header)))?;
        answer(&format!("realm {}, {}", backup.header.realm, super::plain(&backup.manifest.realm_name)))?;
        for (name, section) in &backup.manifest.sections {
            answer(&format!("{:>10} {name}", section.records))?;
        }
    }
    chain.map_err(|record| Failure {
        exit: Exit::Failed,
        message: format!("the audit chain in it does not fit together at record {record}"),
    })
}

fn headline(header: &Header) -> String {
    let Header { contents, program, epoch, term, index, at, .. } = header;
    let at = i128::from(at.0).saturating_mul(1_000_000);
    let at = OffsetDateTime::from_unix_timestamp_nanos(at).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let at = at.format(&Rfc3339).unwrap_or_default();
    format!("{contents} of {at}, log index {index} in term {term}, epoch {epoch}, by passquorum {program}")
}

fn describe(header: &Header, backup: Option<&Backup>) -> Value {
    let mut described = json!({
        "realm": header.realm,
        "epoch": header.epoch,
        "term": header.term,
        "index": header.index,
        "at_ms": header.at.0,
        "program": super::plain(&header.program),
        "recipient": header.recipient.to_string(),
        "read_back": backup.is_some(),
    });
    if let (Some(backup), Some(described)) = (backup, described.as_object_mut()) {
        let sections = backup.manifest.sections.iter().map(|(name, section)| {
            let sha256: String = section.sha256.iter().map(|byte| format!("{byte:02x}")).collect();
            let section = json!({ "records": section.records, "bytes": section.bytes, "sha256": sha256 });
            (name.clone(), section)
        });
        described.insert("realm_name".to_owned(), json!(backup.manifest.realm_name));
        described.insert("sections".to_owned(), Value::Object(sections.collect()));
    }
    described
}

fn keygen(args: &KeygenArgs) -> Result<(), Failure> {
    if args.file.exists() {
        return Err(Failure::usage(format!("{} is there already; choose another name", args.file.display())));
    }
    let key = WrapKey::generate(&SystemEntropy);
    secret_file::write(&args.file, key_text(&key).as_bytes())?;
    answer(&Recipient::of_key(&key).to_string())
}
