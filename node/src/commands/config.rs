//! `config`: the realm's configuration as JSON, as a tree of files, and its history. Secrets in it stay sealed, so that
//! an export tells none.

mod history;
mod legacy;
mod portable;
mod tree;

use super::{Exit, Failure, answer, data_dir, plain};
use crate::cli::{ConfigCommand, ExportArgs, ImportArgs, Local, ShowArgs};
use crate::client::Client;
use http::{Method, header};
use serde_json::Value;

pub(super) async fn run(command: ConfigCommand) -> Result<Exit, Failure> {
    const ONLY_PORTABLE: &str =
        "only a portable file is sealed; leave the passphrase or key out, or use --portable";
    match command {
        ConfigCommand::Export(ExportArgs { portable: None, seal, .. }) if seal.is_given() => {
            Err(Failure::usage(ONLY_PORTABLE))
        }
        ConfigCommand::Import(ImportArgs { portable: None, open, .. }) if open.is_given() => {
            Err(Failure::usage(ONLY_PORTABLE))
        }
        ConfigCommand::Show(ShowArgs { local, revision: None }) => answer(&present(&local).await?),
        ConfigCommand::Show(ShowArgs { local, revision: Some(revision) }) => {
            answer(&shown(&local, &format!("/api/v1/config/revisions/{revision}")).await?)
        }
        ConfigCommand::Export(ExportArgs { local, tree: Some(folder), .. }) => {
            tree::export(&local, &folder).await
        }
        ConfigCommand::Export(ExportArgs { local, file: Some(file), .. }) => export(&local, &file).await,
        ConfigCommand::Export(ExportArgs { local, portable: Some(file), seal, .. }) => {
            portable::export(&local, &file, &seal).await
        }
        ConfigCommand::Export(_) => Err(Failure::usage("name a file, or a folder with --tree")),
        ConfigCommand::Import(ImportArgs { local, portable: Some(file), open, .. }) => {
            portable::import(&local, &file, &open).await
        }
        ConfigCommand::Import(ImportArgs { local, file: Some(file), .. }) => import(&local, &file).await,
        ConfigCommand::Import(_) => Err(Failure::usage("name a file")),
        ConfigCommand::Legacy(args) => legacy::run(&args),
        ConfigCommand::Plan(args) => return tree::plan(&args).await,
        ConfigCommand::Apply(args) => tree::apply(&args).await,
        ConfigCommand::History(args) => history::list(&args).await,
        ConfigCommand::Rollback(args) => history::roll_back(&args).await,
    }
    .map(|()| Exit::Done)
}

async fn present(local: &Local) -> Result<String, Failure> {
    shown(local, "/api/v1/config").await
}

async fn shown(local: &Local, path: &str) -> Result<String, Failure> {
    let config: Value = Client::of(data_dir(&local.dir)?).get(path).await?;
    Ok(serde_json::to_string_pretty(&config)?)
}

async fn export(local: &Local, file: &std::path::Path) -> Result<(), Failure> {
    let config = present(local).await?;
    crate::secret_file::write(file, format!("{config}\n").as_bytes())?;
    answer(&format!("written to {}", file.display()))
}

async fn import(local: &Local, file: &std::path::Path) -> Result<(), Failure> {
    let name = file.display();
    let text = std::fs::read(file).map_err(|error| Failure::usage(format!("{name}: {error}")))?;
    let config: Value = serde_json::from_slice(&text)
        .map_err(|error| Failure::usage(format!("{name} is not an exported configuration: {error}")))?;
    let revision = config.get("revision").and_then(Value::as_u64);
    let revision = revision.ok_or_else(|| {
        Failure::usage(format!("{name} has no revision; take the one that `passquorum config show` prints"))
    })?;
    let condition = format!("\"{revision}\"");
    let client = Client::of(data_dir(&local.dir)?);
    let changed = client.send(Method::PUT, "/api/v1/config", &[(header::IF_MATCH, &condition)], text).await?;
    put_in_force(changed.body())
}

/// Tells which revision the configuration has now.
fn put_in_force(changed: &[u8]) -> Result<(), Failure> {
    let changed: Value = serde_json::from_slice(changed)?;
    answer(&format!(
        "the configuration is at revision {} now",
        changed.get("revision").unwrap_or(&Value::Null)
    ))
}
