//! `config`: the realm's configuration as JSON. Secrets in it stay sealed, so that an export tells none.

use super::{Failure, answer, data_dir};
use crate::cli::{ConfigCommand, FileArgs, Local};
use crate::client::Client;
use http::{Method, header};
use serde_json::Value;

pub(super) async fn run(command: ConfigCommand) -> Result<(), Failure> {
    match command {
        ConfigCommand::Show(local) => answer(&present(&local).await?),
        ConfigCommand::Export(args) => export(&args).await,
        ConfigCommand::Import(args) => import(&args).await,
    }
}

async fn present(local: &Local) -> Result<String, Failure> {
    let config: Value = Client::of(data_dir(&local.dir)?).get("/api/v1/config").await?;
    Ok(serde_json::to_string_pretty(&config)?)
}

async fn export(args: &FileArgs) -> Result<(), Failure> {
    let config = present(&args.local).await?;
    crate::secret_file::write(&args.file, format!("{config}\n").as_bytes())?;
    answer(&format!("written to {}", args.file.display()))
}

async fn import(args: &FileArgs) -> Result<(), Failure> {
    let name = args.file.display();
    let text = std::fs::read(&args.file).map_err(|error| Failure::usage(format!("{name}: {error}")))?;
    let config: Value = serde_json::from_slice(&text)
        .map_err(|error| Failure::usage(format!("{name} is not an exported configuration: {error}")))?;
    let revision = config.get("revision").and_then(Value::as_u64);
    let revision = revision.ok_or_else(|| {
        Failure::usage(format!("{name} has no revision; take the one that `passquorum config show` prints"))
    })?;
    let condition = format!("\"{revision}\"");
    let client = Client::of(data_dir(&args.local.dir)?);
    let changed = client.send(Method::PUT, "/api/v1/config", &[(header::IF_MATCH, &condition)], text).await?;
    let changed: Value = serde_json::from_slice(changed.body())?;
    answer(&format!(
        "the configuration is at revision {} now",
        changed.get("revision").unwrap_or(&Value::Null)
    ))
}
